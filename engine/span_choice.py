"""Which span changes: the network's three heads over the prompt, and the evidence of the tests, as log-probabilities.

`log P(span) = log P(first) + log P(last | first) + log P(length | first, last)`; the evidence weighs the first token by
its line. The same numbers serve all proposers: drawn from, searched, or looked up for a known edit.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from .models.embedded import EditNetwork
from .question import Question
from .spans import MAX_SPAN, Span

_FIRSTS, _LASTS, _LENGTHS = 96, 4, 6
"""How far a search looks: first tokens, ends of each, lengths of each of those."""

_GOLDEN = 0x9E3779B97F4A7C15
"""2**64 divided by the golden ratio."""

_COLDEST = 1e-3
"""A temperature of zero is read as this one."""


class SpanChoice:
    """Spans of one question."""

    def __init__(self, question: Question, network: EditNetwork) -> None:
        self._question = question
        self._network = network
        self._hidden = question.encoded.hidden[None]

    def score(self, spans: Sequence[Span]) -> tuple[Tensor, Tensor]:
        """`(spans,)` twice: log-probability of the place (first token), and of the extent (last token and length)."""
        first = torch.tensor([span.first for span in spans])
        last = torch.tensor([span.last for span in spans])
        length = torch.tensor([span.length for span in spans])
        extent = self._lasts(first).gather(1, (last - first)[:, None])
        extent = extent + self._lengths(first, last).gather(1, length[:, None])
        return self._question.first_scores[first], extent.squeeze(1)

    def draw(self, seeds: Sequence[int], temperature: float) -> list[Span]:
        """One span per seed; the temperature holds for the place, the end and the length.

        A seed is one point of the unit interval, read like an arithmetic code (Arithmetic Sampling, arXiv 2210.15458,
        section 3). The points of consecutive seeds spread evenly, so that rows seldom say the same.
        """
        point = torch.tensor([_point(seed) for seed in seeds], dtype=torch.float64)
        scale = 1 / max(temperature, _COLDEST)
        places = self._question.first_scores.expand(len(seeds), -1)
        first, point = _pick(scale * places, point)
        distance, point = _pick(scale * self._lasts(first), point)
        last = first + distance
        length, point = _pick(scale * self._lengths(first, last), point)
        return [Span(*row) for row in torch.stack([first, last, length], 1).tolist()]

    def likeliest(self, count: int, most_new: int) -> list[Span]:
        """The best spans with at most `most_new` new tokens, the likeliest first."""
        first_scores, first = _top(self._question.first_scores, _FIRSTS)
        last_scores, distance = _top(self._lasts(first), _LASTS)
        first = first[:, None].expand_as(distance)
        first, last = first.flatten(), (first + distance).flatten()
        place = (first_scores[:, None] + last_scores).flatten()
        length_scores, length = _top(self._lengths(first, last)[:, : most_new + 1], _LENGTHS)
        total = (place[:, None] + length_scores).flatten()
        best = [int(i) for i in total.argsort(descending=True) if total[i] > -torch.inf][:count]
        return [
            Span(int(first[i // _LENGTHS]), int(last[i // _LENGTHS]), int(length.flatten()[i]))
            for i in best
        ]

    def _lasts(self, first: Tensor) -> Tensor:
        rows = torch.zeros_like(first)
        return self._network.last_scores(self._hidden, rows, first).float().log_softmax(-1)

    def _lengths(self, first: Tensor, last: Tensor) -> Tensor:
        rows, inside = torch.zeros_like(first), last.clamp(max=self._hidden.shape[1] - 1)
        inside = torch.minimum(inside, first + MAX_SPAN)
        scores = self._network.length_scores(self._hidden, rows, first, inside).float()
        return scores.log_softmax(-1)


def _top(scores: Tensor, count: int) -> tuple[Tensor, Tensor]:
    values, places = scores.topk(min(count, scores.shape[-1]), -1)
    return values, places


def _point(seed: int) -> float:
    """The golden-ratio sequence: `seed` steps of 1 / phi, modulo 1."""
    return (seed * _GOLDEN + (1 << 63)) % (1 << 64) / (1 << 64)


def _pick(scores: Tensor, point: Tensor) -> tuple[Tensor, Tensor]:
    """Inverse-transform sampling, and where in the interval of what was picked each point lies, from 0 to 1."""
    ends = scores.double().softmax(-1).cumsum(-1)
    ends = ends / ends[:, -1:]
    picked = torch.searchsorted(ends, point[:, None], right=True).clamp(max=scores.shape[1] - 1)
    begins = torch.nn.functional.pad(ends, (1, 0))
    begin, end = begins.gather(1, picked), ends.gather(1, picked)
    inside = (point[:, None] - begin) / (end - begin).clamp(min=1e-300)
    return picked.squeeze(1), inside.squeeze(1).clamp(0, 1 - 2**-53)
