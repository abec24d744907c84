"""What an acceptance rule is: which of the proposed tokens are kept in this step."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor


class AcceptanceRule(Protocol):
    """Decides position by position; rows never influence each other."""

    def accept(self, confidence: Tensor, masked: Tensor, steps_left: int) -> Tensor:
        """Which masked positions are kept.

        Args:
            confidence: `(rows, canvas) float`, log-probability of the proposed token; -inf where nothing is masked.
            masked: `(rows, canvas) bool`.
            steps_left: this step included; with 1 left everything that is masked must be kept.

        Returns:
            `(rows, canvas) bool`, a subset of `masked`, with at least one position in every row that has one.
        """
