"""Enumerated candidates: every single edit of the operator table, scored by the model in one batched pass.

The score of an edit is the log-probability of its new tokens with exactly these tokens hidden, beside that of the tokens
that they replace. Edits that hide the same tokens of the same line share a row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from engine import tokens
from engine.operators import proposals
from engine.question import Question
from engine.regions import changed_span, find_fix
from engine.tokens import CodeTokenizer

from .adapter import EmbeddedAdapter
from .base import Proposal

_MAX_CANVAS = 64


@dataclass(frozen=True, slots=True)
class _Edit:
    """One edit as tokens: the canvas with a hole, and what goes in."""

    proposal: Proposal
    line: int
    before: tuple[int, ...]
    new: tuple[int, ...]
    after: tuple[int, ...]
    old: tuple[int, ...]


def enumerate_edits(
    question: Question, adapter: EmbeddedAdapter, tokenizer: CodeTokenizer, max_edits: int = 1500
) -> list[Proposal]:
    """Scored proposals, best first; the likeliest `max_edits` by their line are scored."""
    edits = _likely_edits(question, tokenizer, max_edits)
    if not edits:
        return []
    holes = {(e.line, e.before, len(e.new), e.after) for e in edits}
    holes |= {(e.line, e.before, len(e.old), e.after) for e in edits if e.old}
    scores = _score_holes(question, adapter, sorted(h for h in holes if h[2]))
    found = [_scored(edit, scores) for edit in edits]
    return sorted(found, key=lambda p: -(p.line_score + p.text_score - p.old_score))


def _likely_edits(question: Question, tokenizer: CodeTokenizer, max_edits: int) -> list[_Edit]:
    window_of = {listing: i for i, listing in enumerate(question.window.kept) if listing >= 0}
    window_of[len(question.listing.lines)] = len(question.window.lines)
    lines = question.listing.lines
    found: dict[tuple[int, int, tuple[str, ...]], Proposal] = {}
    for mutation in proposals(question.listing.source, question.passage.names):
        fix = find_fix(lines, mutation.source.rstrip("\n").split("\n"))
        if fix.start in window_of and fix.replaced <= tokens.MAX_REPLACED:
            score = float(question.line_scores[window_of[fix.start]])
            found.setdefault(
                (fix.start, fix.replaced, fix.added),
                Proposal(
                    start=fix.start,
                    replaced=fix.replaced,
                    added=fix.added,
                    source="enumerated",
                    kind=mutation.kind,
                    line_score=score,
                ),
            )
    likely = sorted(found.values(), key=lambda p: -p.line_score)[:max_edits]
    encoded = tokenizer.encode_lines([line for p in likely for line in p.added])
    edits, place = [], 0
    for proposal in likely:
        added = encoded[place : place + len(proposal.added)]
        place += len(proposal.added)
        edits.append(_as_tokens(question, proposal, window_of[proposal.start], added))
    return [
        edit for edit in edits if len(edit.before) + len(edit.new) + len(edit.after) < _MAX_CANVAS
    ]


def _as_tokens(
    question: Question, proposal: Proposal, line: int, added: Sequence[list[int]]
) -> _Edit:
    new: list[int] = []
    for offset, ids in enumerate(added):
        new += ([tokens.NEWLINE] if offset else []) + ids
    old = question.old_tokens(line, proposal.replaced) if proposal.replaced else []
    first, last = changed_span(old, new)
    tail = len(new) - last
    head = (tokens.REPLACED_0 + proposal.replaced, *new[:first])
    return _Edit(
        proposal,
        line,
        head,
        tuple(new[first:last]),
        tuple(new[last:]),
        tuple(old[first : len(old) - tail]),
    )


_Hole = tuple[int, tuple[int, ...], int, tuple[int, ...]]


def _score_holes(
    question: Question, adapter: EmbeddedAdapter, holes: Sequence[_Hole]
) -> dict[_Hole, torch.Tensor]:
    """Log-probabilities `(masks, vocabulary)` of every hole; rows of like length share a batch."""
    found: dict[_Hole, torch.Tensor] = {}
    ordered = sorted(holes, key=lambda h: len(h[1]) + h[2] + len(h[3]))
    for first in range(0, len(ordered), 192):
        some = ordered[first : first + 192]
        rows = [[*before, *[tokens.MASK] * masks, *after] for _, before, masks, after in some]
        width = max(map(len, rows)) + 1
        ids = torch.tensor([row + [tokens.EOS] * (width - len(row)) for row in rows])
        starts = torch.tensor([question.starts[hole[0]] for hole in some])
        scores = adapter.open_log_probabilities(ids, starts[:, None] + torch.arange(width))
        parts = torch.split(scores, [hole[2] for hole in some])
        found.update(zip(some, parts, strict=True))
    return found


def _scored(edit: _Edit, scores: dict[_Hole, torch.Tensor]) -> Proposal:
    new = _log_probability(edit, edit.new, scores)
    old = _log_probability(edit, edit.old, scores)
    p = edit.proposal
    return Proposal(
        start=p.start,
        replaced=p.replaced,
        added=p.added,
        source="enumerated",
        kind=p.kind,
        line_score=p.line_score,
        text_score=new,
        old_score=old,
        num_tokens=max(1, len(edit.new)),
    )


def _log_probability(edit: _Edit, ids: tuple[int, ...], scores: dict[_Hole, torch.Tensor]) -> float:
    hole = (edit.line, edit.before, len(ids), edit.after)
    if not ids or hole not in scores:
        return 0.0
    return float(scores[hole][torch.arange(len(ids)), torch.tensor(ids)].sum())
