"""Exam papers: which assertions of a test can be made false, and the file that comes of it."""

from __future__ import annotations

import ast
import random

from hypothesis import given, strategies as st

from verifiers.suite.exam.papers import Sheet, read_sheet

FILE = '''\
"""Tests — with a wide dash before the assertions."""
import pytest


def test_plain():
    "é"; assert 1 + 1 == 2, "é"
    if True:
        assert "a" in "cat"
    with pytest.raises(
        ValueError,
        match="x",
    ) as info:
        assert int("x")
    assert "x" in str(info.value)


class TestThing:
    async def test_async(self):
        for i in range(3):
            if i:
                return
        assert 3 > 2

    def check(self):
        def inner():
            assert False
        return inner


def test_none():
    print("asserts nothing")
'''


def _sheet() -> Sheet:
    sheet = read_sheet("test_it.py", FILE.encode(), random.Random(0))
    assert sheet is not None
    return sheet


def test_every_assertion_of_a_test_has_a_twin() -> None:
    twins = _sheet().twins
    assert {line: [t.begin[0] for t in some] for line, some in twins.items()} == {
        5: [6, 8, 9, 13, 14],
        18: [22],
        25: [26],
    }


def test_sure_is_what_every_run_comes_by() -> None:
    sure = {line: [t.begin[0] for t in some if t.sure] for line, some in _sheet().twins.items()}
    assert sure == {5: [6, 9, 14], 18: [], 25: [26]}


@given(st.data())
def test_written_file_parses_and_keeps_its_lines(data: st.DataObject) -> None:
    sheet = _sheet()
    chosen = {
        line: data.draw(st.sampled_from(twins))
        for line, twins in sheet.twins.items()
        if data.draw(st.booleans())
    }
    written = sheet.written(chosen).decode()
    before = [getattr(n, "lineno", 0) for n in ast.walk(ast.parse(FILE)) if isinstance(n, ast.stmt)]
    after = [
        getattr(n, "lineno", 0) for n in ast.walk(ast.parse(written)) if isinstance(n, ast.stmt)
    ]
    assert before == after
    assert (ast.dump(ast.parse(written)) == ast.dump(ast.parse(FILE))) == (not chosen)


def test_no_two_papers_are_alike() -> None:
    sheet = _sheet()
    assert sheet.written({}) != sheet.written({})


def test_a_file_that_is_no_python_has_no_sheet() -> None:
    assert read_sheet("test_it.json", b'{"one": [1, 2]}', random.Random(0)) is None
    assert read_sheet("test_it.py", b"def test(:\n", random.Random(0)) is None
    assert read_sheet("test_it.py", b"# coding: latin-1\nx = '\xe9'\n", random.Random(0)) is None
