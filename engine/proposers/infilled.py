"""Infilled candidates: an old line with one span hidden, filled again with other tokens.

Every span of up to three tokens of a suspicious line becomes up to three masks; the first mask takes the best few
tokens, the rest follow greedily; all rows of one step are one batch.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from engine import tokens
from engine.question import Question
from engine.tokens import CodeTokenizer

from .adapter import EmbeddedAdapter
from .base import Proposal

_SPANS = ((1, 1), (0, 1), (2, 1), (1, 2), (0, 2), (2, 2), (1, 3), (0, 3), (1, 0), (2, 0))
"""Tokens hidden and masks put in their place."""
_BRANCHES, _MOST_OPEN = 6, 384


@dataclass(frozen=True, slots=True)
class _State:
    """Partly filled rows: canvases, positions, window lines, old scores and scores so far."""

    ids: Tensor
    positions: Tensor
    lines: Tensor
    scores: Tensor
    counts: Tensor

    def take(self, rows: Tensor) -> _State:
        return _State(
            self.ids[rows],
            self.positions[rows],
            self.lines[rows],
            self.scores[rows],
            self.counts[rows],
        )


def infill_lines(
    question: Question,
    adapter: EmbeddedAdapter,
    tokenizer: CodeTokenizer,
    num_lines: int = 8,
    max_rows: int = 640,
) -> list[Proposal]:
    """Proposals from the most suspicious lines, best first."""
    state = _first_state(question, num_lines, max_rows)
    found: list[Proposal] = []
    for step in range(4):
        if state is None or not len(state.ids):
            break
        is_open = state.ids == tokens.MASK
        done = ~is_open.any(1)
        found += _read(question, tokenizer, state.take(done.nonzero().flatten()))
        state = state.take((~done).nonzero().flatten())
        if len(state.ids):
            state = _fill_first(adapter, state, _BRANCHES if step == 0 else 1)
    return sorted(found, key=lambda p: -(p.line_score + p.text_score))


def _first_state(question: Question, num_lines: int, max_rows: int) -> _State | None:
    rows, lines = [], []
    for line in question.most_suspicious(num_lines):
        old = question.old_tokens(line)
        for first in range(1, len(old) + 1):
            for hidden, masks in _SPANS:
                if first + hidden <= len(old):
                    canvas = [*old[:first], *[tokens.MASK] * masks, *old[first + hidden :]]
                    rows.append([tokens.REPLACED_0 + 1, *canvas])
                    lines.append(line)
    rows, lines = rows[:max_rows], lines[:max_rows]
    rows = [row for row in rows if len(row) < 64]
    if not rows:
        return None
    width = max(map(len, rows)) + 1
    ids = torch.tensor([row + [tokens.EOS] * (width - len(row)) for row in rows])
    starts = torch.tensor([question.starts[line] for line in lines[: len(rows)]])
    zeros = torch.zeros(len(rows))
    return _State(
        ids, starts[:, None] + torch.arange(width), torch.tensor(lines[: len(rows)]), zeros, zeros
    )


def _fill_first(adapter: EmbeddedAdapter, state: _State, branches: int) -> _State:
    """Fill the first mask of every row with its best tokens; keep the most promising rows."""
    is_open = state.ids == tokens.MASK
    first = is_open.float().argmax(1)
    only = state.ids.clone()
    log_probabilities = adapter.open_log_probabilities(only, state.positions)
    index_of_first = torch.cat([torch.zeros(1, dtype=torch.int64), is_open.sum(1).cumsum(0)[:-1]])
    values, chosen = log_probabilities[index_of_first].topk(branches, -1)
    rows = torch.arange(len(state.ids)).repeat_interleave(branches)
    grown = state.take(rows)
    grown.ids[torch.arange(len(rows)), first[rows]] = chosen.flatten()
    grown = _State(
        grown.ids, grown.positions, grown.lines, grown.scores + values.flatten(), grown.counts + 1
    )
    still_open = (grown.ids == tokens.MASK).any(1)
    keep = torch.where(still_open, grown.scores, torch.inf).argsort(descending=True)
    limit = int((~still_open).sum()) + _MOST_OPEN
    return grown.take(keep[:limit])


def _read(question: Question, tokenizer: CodeTokenizer, state: _State) -> list[Proposal]:
    found = []
    for ids, line, score, count in zip(
        state.ids.tolist(),
        state.lines.tolist(),
        state.scores.tolist(),
        state.counts.tolist(),
        strict=True,
    ):
        read = tokenizer.decode_canvas(ids)
        if read is not None:
            found.append(
                Proposal(
                    start=question.window.kept[line],
                    replaced=1,
                    added=tuple(read[1]),
                    source="infilled",
                    line_score=float(question.line_scores[line]),
                    text_score=score,
                    num_tokens=max(1, int(count)),
                )
            )
    return found
