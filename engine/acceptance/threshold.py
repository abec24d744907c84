"""Confidence threshold with a quota: everything sure at once, and never fewer than finish in time.

Keeps all tokens above a probability (Fast-dLLM, arXiv 2505.22618, section 3.3) and at least the share that LLaDA's fixed
schedule would keep (arXiv 2502.09992, section 2.4), the most confident first.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class ConfidenceThreshold:
    """Keep tokens whose probability is above `probability`."""

    probability: float = 0.9

    def accept(self, confidence: Tensor, masked: Tensor, steps_left: int) -> Tensor:
        """See `AcceptanceRule.accept`."""
        quota = torch.ceil(masked.sum(1) / steps_left)
        ranked = confidence.masked_fill(~masked, -torch.inf).argsort(1, descending=True)
        rank = ranked.argsort(1)
        return masked & ((rank < quota[:, None]) | (confidence > math.log(self.probability)))
