"""THE loop: canvases -> logits -> accept -> go on, rows finishing one by one.

Rows share one batch but nothing else: a generator per row draws its tokens, so that row `i` is the same text whatever
else runs beside it. A finished row leaves the batch at once and never costs again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from .acceptance import AcceptanceRule


@dataclass(frozen=True, slots=True)
class Rows:
    """Canvases that are denoised together.

    `allowed` says per position which tokens may be drawn there: an index into `Adapter.vocabularies`.
    """

    ids: Tensor
    """`(rows, canvas) int64`; masked positions hold the mask token."""
    positions: Tensor
    """`(rows, canvas) int64`, rotary positions."""
    allowed: Tensor
    """`(canvas,) int64`."""
    seeds: Sequence[int]
    banned: Tensor | None = None
    """`(rows, canvas, some) int64`: tokens that may not be drawn there, pads for none. What stands beside a changed
    span is not part of the change, and bans keep it so."""


@dataclass(frozen=True, slots=True)
class FinishedRow:
    """One row that has no masked position left."""

    index: int
    ids: list[int]
    steps: int
    confidence: float
    """Mean log-probability of the tokens that were drawn, in nats."""


class StateFamily(Protocol):
    """How noise looks: absorbing masks here; uniform noise can join with its own renoise."""

    def is_open(self, ids: Tensor) -> Tensor:
        """`(rows, canvas) bool`: positions that still hold noise."""

    def settle(self, ids: Tensor, proposed: Tensor, accepted: Tensor) -> Tensor:
        """The next canvases: accepted tokens stay, the others become noise again."""


@dataclass(frozen=True, slots=True)
class Absorbing:
    """Masked diffusion: noise is one mask token, and what was accepted stays."""

    mask_id: int
    end_id: int

    def is_open(self, ids: Tensor) -> Tensor:
        """See `StateFamily`."""
        return ids == self.mask_id

    def settle(self, ids: Tensor, proposed: Tensor, accepted: Tensor) -> Tensor:
        """Accepted tokens stay; all that follows an end of text is closed with it."""
        ids = torch.where(accepted, proposed, ids)
        ended = (ids == self.end_id).cumsum(1) > 0
        return torch.where(ended, torch.full_like(ids, self.end_id), ids)


class Adapter(Protocol):
    """The model's side of the loop."""

    @property
    def vocabularies(self) -> Tensor:
        """`(kinds, vocabulary) float`: 0 where a token may stand, -inf where not."""

    def open_logits(self, ids: Tensor, positions: Tensor, is_open: Tensor) -> Tensor:
        """`(open positions, vocabulary) float`: logits of the open positions, row by row."""


@torch.no_grad()
def denoise(
    adapter: Adapter,
    rows: Rows,
    rule: AcceptanceRule,
    family: StateFamily,
    max_steps: int,
    temperature: float = 1.0,
) -> Iterator[list[FinishedRow]]:
    """Denoise all rows; after every step yield the rows that finished in it (often none).

    Stopping the iteration frees the batch. No tensor of shape (rows, canvas, vocabulary) is ever made: logits exist
    for open positions only, and only within a step.
    """
    ids, positions, banned = rows.ids, rows.positions, rows.banned
    live = torch.arange(len(ids))
    generators = [torch.Generator().manual_seed(seed) for seed in rows.seeds]
    log_probability = torch.zeros(len(ids), dtype=torch.float64)
    num_drawn = torch.zeros(len(ids), dtype=torch.float64)
    for step in range(max_steps):
        is_open = family.is_open(ids)
        limits = adapter.vocabularies[rows.allowed].expand(len(ids), -1, -1)[is_open]
        logits = adapter.open_logits(ids, positions, is_open) + limits
        if banned is not None:
            logits = logits.scatter(1, banned[live][is_open], -torch.inf)
        uniform = torch.stack([torch.rand(ids.shape[1], generator=generators[i]) for i in live])
        drawn, confidence = _draw(logits, uniform[is_open], temperature)
        proposed = ids.masked_scatter(is_open, drawn)
        scores = torch.full(ids.shape, -torch.inf).masked_scatter(is_open, confidence.float())
        accepted = rule.accept(scores, is_open, max_steps - step)
        log_probability[live] += torch.where(accepted, scores, 0.0).sum(1).double()
        num_drawn[live] += accepted.sum(1)
        ids = family.settle(ids, proposed, accepted)
        done = ~family.is_open(ids).any(1)
        yield [
            FinishedRow(
                int(live[row]),
                ids[row].tolist(),
                step + 1,
                float(log_probability[live[row]] / num_drawn[live[row]].clamp(min=1)),
            )
            for row in done.nonzero().flatten()
        ]
        ids, positions, live = ids[~done], positions[~done], live[~done]
        if not len(live):
            return


def _draw(logits: Tensor, uniform: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
    """Inverse-transform sampling: tokens `(open,)` and their log-probability at temperature 1."""
    log_probabilities = logits.float().log_softmax(-1)
    if temperature <= 0:
        drawn = log_probabilities.argmax(-1)
    else:
        cumulative = (log_probabilities / temperature).softmax(-1).cumsum(-1)
        threshold = uniform[:, None].to(cumulative.dtype) * cumulative[:, -1:]
        drawn = torch.searchsorted(cumulative, threshold).squeeze(1).clamp(max=logits.shape[1] - 1)
    return drawn, log_probabilities.gather(1, drawn[:, None]).squeeze(1)
