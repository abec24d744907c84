"""Spans: a fix as a span of the prompt, its canvas, and back."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from engine import tokens
from engine.regions import find_fix
from engine.spans import MAX_SPAN, Span, frame_of, line_places, span_of
from engine.tokens import CodeTokenizer, prompt_ids

_LINES = st.lists(
    st.sampled_from(["a = 1", "    a = 1", "    return a", "        b", "if a:", "a = a + 1"]),
    min_size=1,
    max_size=6,
)


@given(old=_LINES, new=_LINES)
def test_canvas_of_the_span_of_a_fix_is_the_fix(
    tokenizer: CodeTokenizer, old: list[str], new: list[str]
) -> None:
    before, after = ["def f():", *old], ["def f():", *new]
    fix = find_fix(before, after)
    prompt, starts = prompt_ids(tokenizer.encode_lines(before))
    assert line_places(prompt) == starts
    canvas = tokenizer.encode_canvas(fix.replaced, fix.added)
    found = span_of(prompt, starts, fix.start, canvas)
    if before == after:
        return
    if found is None:
        assert len(canvas) > MAX_SPAN
        return
    span, added = found
    assert len(added) == span.length
    frame = frame_of(prompt, starts, span)
    assert frame is not None
    read = tokenizer.decode_canvas(frame.canvas(added))
    assert read is not None
    assert [*before[: frame.line], *read[1], *before[frame.line + frame.replaced :]] == after


def test_inserted_line_is_appended_to_the_line_before(tokenizer: CodeTokenizer) -> None:
    prompt, starts = prompt_ids(tokenizer.encode_lines(["def f(a):", "    return a"]))
    found = span_of(prompt, starts, 1, tokenizer.encode_canvas(0, ["    a = 1"]))
    assert found is not None
    assert (found[0].first, found[0].last) == (starts[1], starts[1])
    assert found[1][0] == tokens.NEWLINE


@pytest.mark.parametrize(
    "span",
    [Span(0, 0, 1), Span(1, 1, 1), Span(4, 99, 1)],
    ids=["before the prompt", "before the first line", "behind the end"],
)
def test_span_outside_the_lines_has_no_canvas(tokenizer: CodeTokenizer, span: Span) -> None:
    prompt, starts = prompt_ids(tokenizer.encode_lines(["def f(a):", "    return a"]))
    assert frame_of(prompt, starts, span) is None


def test_span_in_a_gap_has_no_canvas(tokenizer: CodeTokenizer) -> None:
    first, last = tokenizer.encode_lines(["def f(a):", "    return a"])
    prompt, starts = prompt_ids([first, [tokens.GAP], last])
    assert frame_of(prompt, starts, Span(starts[1] + 1, starts[1] + 1, 2)) is None
    assert frame_of(prompt, starts, Span(starts[2], starts[2], 2)) is None
    assert frame_of(prompt, starts, Span(starts[2] + 1, starts[2] + 2, 2)) is not None
