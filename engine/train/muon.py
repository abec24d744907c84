"""Muon (Jordan 2024): momentum, made orthogonal, for the matrices of a network.

`torch.optim.Muon` computes in bfloat16 whatever the machine; this one in float32 where the processor has no bfloat16.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from engine.loading import native_dtype

_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
_ITERATIONS = 5


class Muon(torch.optim.Optimizer):
    """Nesterov momentum, Newton-Schulz, an update with the root mean square of AdamW's (Liu et al. 2025)."""

    def __init__(
        self,
        matrices: Iterable[nn.Parameter],
        rate: float,
        decay: float = 0.05,
        momentum: float = 0.95,
    ) -> None:
        super().__init__(matrices, {"lr": rate, "decay": decay, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Move every matrix that has a gradient."""
        for group in self.param_groups:
            for matrix in group["params"]:
                if matrix.grad is not None:
                    average = self.state[matrix].setdefault("average", torch.zeros_like(matrix))
                    average.lerp_(matrix.grad, 1 - group["momentum"])
                    update = orthogonal(matrix.grad.lerp(average, group["momentum"]))
                    matrix.mul_(1 - group["lr"] * group["decay"])
                    matrix.add_(update, alpha=-0.2 * math.sqrt(max(matrix.shape)) * group["lr"])


def orthogonal(matrix: Tensor) -> Tensor:
    """The nearest semi-orthogonal matrix, roughly: singular values between 0.7 and 1.2."""
    a, b, c = _COEFFICIENTS
    found: Tensor = matrix.to(native_dtype())
    found = found.T if matrix.shape[0] > matrix.shape[1] else found
    found = found / (found.norm() + 1e-7)
    for _ in range(_ITERATIONS):
        square = found @ found.T
        found = a * found + (b * square + c * square @ square) @ found
    return (found.T if matrix.shape[0] > matrix.shape[1] else found).to(matrix.dtype)
