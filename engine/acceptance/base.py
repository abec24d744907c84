"""What an acceptance rule is: which of the proposed tokens are kept in this step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor


@dataclass(frozen=True, slots=True)
class Step:
    """What a rule may look at, `(rows, canvas)` each.

    `log_probability` is of the drawn token, -inf where nothing is open; `entropy` is +inf there.
    """

    is_open: Tensor
    """bool: positions that hold noise."""
    drawn: Tensor
    """int64: the proposed tokens."""
    log_probability: Tensor
    """float, in nats."""
    entropy: Tensor
    """float, in nats."""
    steps_left: Tensor
    """`(rows,) int64`, this step included; with 1 left everything that is open must be kept."""


class AcceptanceRule(Protocol):
    """Decides position by position; rows never influence each other."""

    def accept(self, step: Step) -> Tensor:
        """Which open positions are kept: `(rows, canvas) bool`, a subset of `step.is_open`.

        For masked models at least one position in every row that has one; for models that draw noise anew it may be none.
        """
