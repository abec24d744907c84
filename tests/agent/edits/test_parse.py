from __future__ import annotations

import pytest
from hypothesis import given, settings, strategies as st

from agent.edits import (
    Anchor,
    Create,
    Delete,
    Edit,
    Insert,
    Operation,
    parse_changes,
    read_changes,
    render_changes,
)
from agent.errors import EditError
from tests.agent.edits.strategies import operations

STREAM = """\
@@ edit src/app.py 41#k3..44#9f
|def greet(name):
|    return f"hi {name}"
@@ insert src/app.py before 12#aa
|import os
@@ insert src/app.py at end
|
@@ delete src/app.py 60#q1..60#q1
@@ create new/file.py
|x = 1
@@ done 5
"""


def test_reads_every_operation() -> None:
    line_60 = Anchor(60, "q1")
    assert parse_changes(STREAM) == (
        Edit(
            path="src/app.py",
            start=Anchor(41, "k3"),
            end=Anchor(44, "9f"),
            lines=("def greet(name):", '    return f"hi {name}"'),
        ),
        Insert(path="src/app.py", where="before", anchor=Anchor(12, "aa"), lines=("import os",)),
        Insert(path="src/app.py", where="end", lines=("",)),
        Delete(path="src/app.py", start=line_60, end=line_60),
        Create(path="new/file.py", lines=("x = 1",)),
    )
    assert read_changes(STREAM).notes == ()


@given(st.lists(operations, max_size=5))
@settings(max_examples=300, deadline=None)
def test_what_was_rendered_reads_back(stream: list[Operation]) -> None:
    read = read_changes(render_changes(stream))
    assert read.operations == tuple(stream)
    assert read.notes == ()


@given(st.text(st.sampled_from(list('@| \nedit#1a."\\donecrat')), max_size=80) | st.text())
@settings(max_examples=300, deadline=None)
def test_any_text_is_read_or_refused(text: str) -> None:
    line = 0
    try:
        parse_changes(text)
    except EditError as error:
        line = error.line
    assert 0 <= line <= text.count("\n") + 1


def test_single_anchor_is_one_line() -> None:
    assert parse_changes("@@ delete a.py 3#aa\n@@ done 1") == (
        Delete(path="a.py", start=Anchor(3, "aa"), end=Anchor(3, "aa")),
    )


@pytest.mark.parametrize("place", ["3#aa", "before 3#aa", "3#AA..3#AA"])
def test_bare_insert_stands_before_its_line(place: str) -> None:
    wanted = Insert(path="a.py", where="before", anchor=Anchor(3, "aa"), lines=("x",))
    assert parse_changes(f"@@ insert a.py {place}\n|x\n@@ done 1\n") == (wanted,)


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("@@ delete a.py 3#aa\n", "no-done"),
        ("@@ delete a.py 3#aa\n@@ done\n", "done-without-count"),
        ("@@ delete a.py 3#aa\n@@ done 1\n<|im_end|> and so on", "trailing-text"),
        ("@@ @@ delete a.py 3#aa\n@@ done 1\n", "duplicate-token (line 1)"),
        ("@@ delete delete a.py 3#aa\n@@ done 1\n", "duplicate-token (line 1)"),
        ("  @@ delete a.py 3#aa\n@@ done 1\n", "indented-header (line 1)"),
        ("@@ delete a.py 3#aa\n```\n@@ done 1\n", "fence (line 2)"),
    ],
)
def test_tolerates_and_notes(text: str, note: str) -> None:
    read = read_changes(text)
    assert read.operations == (Delete(path="a.py", start=Anchor(3, "aa"), end=Anchor(3, "aa")),)
    assert [one for one in read.notes if one.startswith(note)]


def test_count_may_leave_out_identical_twins() -> None:
    twice = "@@ delete a.py 3#aa\n" * 2
    assert len(parse_changes(f"{twice}@@ done 1\n")) == 2
    assert len(parse_changes(f"{twice}@@ done 2\n")) == 2


def test_blank_line_without_gutter_between_body_lines_is_kept_and_noted() -> None:
    read = read_changes("@@ create a.py\n|x\n\n|y\n@@ done 1\n")
    assert read.operations == (Create(path="a.py", lines=("x", "", "y")),)
    assert read.notes == ("bare-blank-line (line 4)",)


def test_windows_line_ends_of_the_whole_stream_are_not_text() -> None:
    assert parse_changes("@@ create a.py\r\n|x\r\n@@ done 1\r\n") == (
        Create(path="a.py", lines=("x",)),
    )


def test_text_around_the_operations_is_kept() -> None:
    read = read_changes("Sure:\n@@ create a.py\n|x\n@@ done 1\nbye")
    assert (read.preamble, read.remainder, read.num_lines) == ("Sure:", "bye", 4)


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("", 0, "no operation"),
        ("just talk", 0, "no operation"),
        ("|x\n", 1, "before the first operation"),
        ("@@ edit a.py\n|x\n", 1, "does not read as `@@ edit PATH"),
        ("@@ edit a.py 1#aa 2#bb\n", 1, "does not read"),
        ("@@ edit a b.py 1#aa\n", 1, "does not read"),
        ("@@ edit a.py 1#!!\n", 1, "does not read"),
        ("@@ rename a.py b.py\n", 1, "unknown operation 'rename'"),
        ("@@ create a.py\n|x\nx = 1\n", 3, "neither an operation"),
        ("@@ delete a.py 1#aa\n|x\n", 2, "takes no body"),
        ("@@ insert a.py 1#aa..2#bb\n", 1, "not at a range"),
        ('@@ create "a\\q.py"\n', 1, "not a JSON string"),
        ("@@ delete a.py 1#aa\n@@ done 2\n", 0, "closes 1 operations"),
    ],
)
def test_refuses_with_the_line(text: str, line: int, message: str) -> None:
    with pytest.raises(EditError, match=message) as caught:
        parse_changes(text)
    assert caught.value.line == line
