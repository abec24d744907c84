"""Where an edit is: a span of the prompt's tokens gives way to new tokens.

Places of the prompt are places of the canvas, with `<line>` tokens for line breaks. An empty span at a `<line>` token
appends to the line before it; so inserted lines are a line break and their text, appended. First where, then how many,
then which tokens: after the Levenshtein transformer (arXiv 1905.11006, section 3).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from . import tokens
from .regions import changed_span

MAX_SPAN = 48
"""Most tokens that one edit takes away, or brings."""


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Prompt tokens `[first, last)` give way to `length` new ones."""

    first: int
    last: int
    length: int


@dataclass(frozen=True, slots=True)
class Frame:
    """The canvas around the new tokens: `<rK>` and what stays before them, and what stays after."""

    line: int
    """Index of the first line that the canvas stands for."""
    before: tuple[int, ...]
    after: tuple[int, ...]

    @property
    def replaced(self) -> int:
        """Lines that the canvas stands for."""
        return self.before[0] - tokens.REPLACED_0

    def canvas(self, new: Sequence[int]) -> list[int]:
        """Token ids without the closing `<eos>`."""
        return [*self.before, *new, *self.after]


def frame_of(prompt: Sequence[int], starts: Sequence[int], span: Span) -> Frame | None:
    """The canvas of a span; None where it leaves the lines, spans too many, or touches a gap."""
    line, last_line = bisect_left(starts, span.first) - 1, bisect_left(starts, span.last) - 1
    if line < 0 or last_line + 1 >= len(starts) or last_line - line >= tokens.MAX_REPLACED:
        return None
    begin, end = starts[line] + 1, starts[last_line + 1]
    if tokens.GAP in prompt[begin:end]:
        return None
    head = tokens.REPLACED_0 + last_line - line + 1
    return Frame(
        line,
        (head, *as_canvas(prompt[begin : span.first])),
        tuple(as_canvas(prompt[span.last : end])),
    )


def span_of(
    prompt: Sequence[int], starts: Sequence[int], start: int, canvas: Sequence[int]
) -> tuple[Span, tuple[int, ...]] | None:
    """The smallest span of a fix and its new tokens; None where it is too long.

    Args:
        prompt, starts: tokens and the places of `<line>` among them.
        start: line that the fix starts at.
        canvas: `<rK>` and the new lines; `<r0>` inserts before `start`.
    """
    replaced, new = canvas[0] - tokens.REPLACED_0, list(canvas[1:])
    inserts = replaced == 0
    line = start - 1 if inserts else start
    if line < 0 or line + max(1, replaced) >= len(starts):
        return None
    begin, end = starts[line] + 1, starts[line + max(1, replaced)]
    old = as_canvas(prompt[begin:end])
    if inserts:
        new = [*old, tokens.NEWLINE, *new]
    first, last = changed_span(old, new)
    span = Span(begin + first, end - (len(new) - last), last - first)
    if max(span.last - span.first, span.length) > MAX_SPAN:
        return None
    return span, tuple(new[first:last])


def line_places(prompt: Sequence[int]) -> list[int]:
    """Places of the `<line>` tokens; the last one closes the prompt."""
    return [place for place, token in enumerate(prompt) if token == tokens.LINE]


def as_canvas(ids: Sequence[int]) -> list[int]:
    """Tokens of a prompt as the canvas has them: line breaks for `<line>`."""
    return [tokens.NEWLINE if token == tokens.LINE else token for token in ids]
