"""What may not stand where, for canvases with kinds of positions."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class KindLimit:
    """Positions of some kinds, and bans beside them."""

    vocabularies: Tensor
    """`(kinds, vocabulary) float`: 0 where a token may stand, -inf where not."""
    kinds: Tensor
    """`(canvas,) int64`, of each position."""
    banned: Tensor | None = None
    """`(rows, canvas, some) int64`: tokens that may not be drawn there, pads for none. What stands beside a changed
    span is not part of the change, and bans keep it so."""

    def __call__(self, logits: Tensor, rows: Tensor, places: Tensor) -> Tensor:
        """See `Limit`."""
        logits = logits + self.vocabularies[self.kinds[places]]
        if self.banned is None:
            return logits
        return logits.scatter(1, self.banned[rows, places], -torch.inf)
