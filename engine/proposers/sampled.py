"""Sampled candidates: the line from the pointer, then the canvas denoised from nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch

from engine import tokens
from engine.acceptance import AcceptanceRule, ConfidenceThreshold
from engine.base import SampleRequest
from engine.denoise import Absorbing, FinishedRow, Rows, denoise
from engine.question import Question
from engine.tokens import CodeTokenizer

from .adapter import ANY_TEXT, FIRST_SLOT, EmbeddedAdapter
from .base import Proposal

Row = tuple[int, Proposal | None]
"""Index of a row within its request, and what it proposes."""
_LINE_TEMPERATURE = 1.6
_CANVAS, _WIDE_CANVAS = 24, 48


def sample_rows(
    question: Question,
    adapter: EmbeddedAdapter,
    tokenizer: CodeTokenizer,
    request: SampleRequest,
    rule: AcceptanceRule | None = None,
) -> Iterator[list[Row]]:
    """Yield rows as they finish, after every step; None stands for a canvas that is not well formed.

    Every fourth seed has a wide canvas, for fixes of several lines.
    """
    seeds = range(request.seed, request.seed + request.n)
    for width in (_CANVAS, _WIDE_CANVAS):
        chosen = [i for i, seed in enumerate(seeds) if (seed % 4 == 3) == (width == _WIDE_CANVAS)]
        if not chosen:
            continue
        lines = [_draw_line(question, seeds[i]) for i in chosen]
        rows = _blank_rows(question, lines, [seeds[i] for i in chosen], width)
        finished = denoise(
            adapter,
            rows,
            rule or ConfidenceThreshold(),
            Absorbing(tokens.MASK, tokens.EOS),
            request.max_steps,
            request.temperature,
        )
        for some in finished:
            yield [
                (
                    chosen[row.index],
                    _read(question, tokenizer, row, lines[row.index], chosen[row.index]),
                )
                for row in some
            ]


def _draw_line(question: Question, seed: int) -> int:
    generator = torch.Generator().manual_seed(seed + (1 << 40))
    tempered = (question.line_scores / _LINE_TEMPERATURE).softmax(-1)
    return int(torch.multinomial(tempered, 1, generator=generator))


def _blank_rows(question: Question, lines: Sequence[int], seeds: Sequence[int], width: int) -> Rows:
    slots = torch.arange(width)
    starts = torch.tensor([question.starts[line] for line in lines])
    allowed = torch.full((width,), ANY_TEXT)
    allowed[0] = FIRST_SLOT
    ids = torch.full((len(lines), width), tokens.MASK)
    return Rows(ids, starts[:, None] + slots, allowed, seeds)


def _read(
    question: Question, tokenizer: CodeTokenizer, row: FinishedRow, line: int, index: int
) -> Proposal | None:
    read = tokenizer.decode_canvas(row.ids)
    kept = [*question.window.kept, len(question.listing.lines)]
    if read is None or kept[line] < 0 or kept[line] + read[0] > kept[-1]:
        return None
    used = row.ids.index(tokens.EOS) if tokens.EOS in row.ids else len(row.ids)
    return Proposal(
        start=kept[line],
        replaced=read[0],
        added=tuple(read[1]),
        source="sampled",
        line_score=float(question.line_scores[line]),
        text_score=row.confidence * used,
        num_tokens=used,
        index=index,
        steps=row.steps,
    )
