"""Enumerated candidates: every single edit of the operator table, scored by the model in one batched pass.

The score of an edit is the log-probability of its span, and of its new tokens with exactly these tokens hidden. Edits that
hide the same tokens of the same lines share a row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from engine import tokens
from engine.operators import proposals
from engine.question import Question
from engine.regions import find_fix
from engine.span_choice import SpanChoice
from engine.spans import Frame, Span, span_of
from engine.tokens import CodeTokenizer

from .adapter import EmbeddedAdapter
from .base import Proposal

_MAX_CANVAS = 64
_ROWS_AT_ONCE = 192
_Hole = tuple[Frame, int]
"""A canvas and how many masks it has."""


@dataclass(frozen=True, slots=True)
class _Edit:
    """One edit as tokens."""

    proposal: Proposal
    span: Span
    frame: Frame
    new: tuple[int, ...]

    @property
    def hole(self) -> _Hole:
        return self.frame, len(self.new)


def enumerate_edits(
    question: Question, adapter: EmbeddedAdapter, tokenizer: CodeTokenizer, max_edits: int = 1500
) -> list[Proposal]:
    """Scored proposals, best first; those with the likeliest spans are read, at most `max_edits`."""
    edits = _as_tokens(question, tokenizer, _distinct(question))
    if not edits:
        return []
    place, extent = SpanChoice(question, adapter.network).score([edit.span for edit in edits])
    likely = (place + extent).argsort(descending=True)[:max_edits].tolist()
    scores = _score_holes(question, adapter, {edits[i].hole for i in likely if edits[i].new})
    found = [
        replace(
            edits[i].proposal,
            place_score=float(place[i]),
            extent_score=float(extent[i]),
            text_score=_log_probability(edits[i], scores),
            num_tokens=len(edits[i].new),
        )
        for i in likely
        if place[i] > -torch.inf
    ]
    return sorted(found, key=lambda p: -(p.place_score + p.extent_score + p.text_score))


def _distinct(question: Question) -> list[Proposal]:
    lines = question.listing.lines
    found: dict[tuple[int, int, tuple[str, ...]], Proposal] = {}
    for mutation in proposals(question.listing.source, question.passage.names):
        fix = find_fix(lines, mutation.source.rstrip("\n").split("\n"))
        if fix.replaced <= tokens.MAX_REPLACED:
            found.setdefault(
                (fix.start, fix.replaced, fix.added),
                Proposal(
                    start=fix.start,
                    replaced=fix.replaced,
                    added=fix.added,
                    source="enumerated",
                    kind=mutation.kind,
                ),
            )
    return list(found.values())


def _as_tokens(
    question: Question, tokenizer: CodeTokenizer, distinct: Sequence[Proposal]
) -> list[_Edit]:
    window_of = {listing: i for i, listing in enumerate(question.window.kept) if listing >= 0}
    window_of[len(question.listing.lines)] = len(question.window.lines)
    near = [p for p in distinct if p.start in window_of]
    encoded = iter(tokenizer.encode_lines([line for p in near for line in p.added]))
    edits = []
    for proposal in near:
        canvas = [tokens.REPLACED_0 + proposal.replaced]
        for offset in range(len(proposal.added)):
            canvas += ([tokens.NEWLINE] if offset else []) + next(encoded)
        found = span_of(question.prompt, question.starts, window_of[proposal.start], canvas)
        frame = question.frame(found[0]) if found else None
        if found and frame and len(frame.canvas(found[1])) < _MAX_CANVAS:
            edits.append(_Edit(proposal, found[0], frame, found[1]))
    return edits


def _score_holes(
    question: Question, adapter: EmbeddedAdapter, holes: set[_Hole]
) -> dict[_Hole, torch.Tensor]:
    """Log-probabilities `(masks, vocabulary)` of every hole; rows of like length share a batch."""
    found: dict[_Hole, torch.Tensor] = {}
    ordered = sorted(holes, key=_by_width)
    for first in range(0, len(ordered), _ROWS_AT_ONCE):
        some = ordered[first : first + _ROWS_AT_ONCE]
        rows = [frame.canvas([tokens.MASK] * masks) for frame, masks in some]
        width = max(map(len, rows)) + 1
        ids = torch.tensor([row + [tokens.EOS] * (width - len(row)) for row in rows])
        starts = torch.tensor([question.starts[frame.line] for frame, _ in some])
        scores = adapter.open_log_probabilities(ids, starts[:, None] + torch.arange(width))
        parts = torch.split(scores, [masks for _, masks in some])
        found.update(zip(some, parts, strict=True))
    return found


def _by_width(hole: _Hole) -> tuple[int, int, tuple[int, ...], tuple[int, ...], int]:
    frame, masks = hole
    width = len(frame.before) + masks + len(frame.after)
    return width, frame.line, frame.before, frame.after, masks


def _log_probability(edit: _Edit, scores: dict[_Hole, torch.Tensor]) -> float:
    if not edit.new:
        return 0.0
    return float(scores[edit.hole].gather(1, torch.tensor(edit.new)[:, None]).sum())
