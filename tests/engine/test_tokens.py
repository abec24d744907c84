"""Tokens: canvases survive encoding, broken canvases are refused."""

from __future__ import annotations

from hypothesis import given, settings, strategies as st

from engine import tokens
from engine.tokens import CodeTokenizer, prompt_ids

_LINES = st.lists(
    st.tuples(st.integers(0, 10), st.text(st.characters(codec="utf-8", exclude_categories=["Z", "C"]), min_size=1, max_size=30)),
    max_size=5,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(lines=_LINES, replaced=st.integers(0, tokens.MAX_REPLACED))
def test_canvas_round_trip(
    tokenizer: CodeTokenizer, lines: list[tuple[int, str]], replaced: int
) -> None:
    texts = [" " * 4 * blanks + text for blanks, text in lines]
    ids = tokenizer.encode_canvas(replaced, texts)
    assert tokenizer.decode_canvas([*ids, tokens.EOS, tokens.EOS]) == (replaced, texts)


@settings(max_examples=200, deadline=None)
@given(ids=st.lists(st.integers(0, 419), max_size=20))
def test_any_canvas_is_read_or_refused(tokenizer: CodeTokenizer, ids: list[int]) -> None:
    read = tokenizer.decode_canvas(ids)
    if read is not None:
        assert 0 <= read[0] <= tokens.MAX_REPLACED


def test_prompt_marks_every_line_and_the_end(tokenizer: CodeTokenizer) -> None:
    ids, starts = prompt_ids(tokenizer.encode_lines(["def f():", "    return 1"]))
    assert ids[0] == tokens.BOS
    assert [ids[s] for s in starts] == [tokens.LINE] * 3
    assert starts[-1] == len(ids) - 1
