from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from agent.edits import anchor
from agent.functions import read_functions
from agent.localize import MAX_SUSPECTS, Suspect, localize
from tests.agent.projects import make_baseline
from verifiers import Snapshot, Trace, is_test_path

SOURCE = textwrap.dedent('''
    import os
    from math import floor as down, pi

    RATE = 2

    def first(a):
        """Says nothing."""
        if (a and
                a > 0):
            return 1
        return 2

    class Box:
        @property
        def size(self):
            def inner():
                return 3
            return inner()

        async def grow(self, by):
            with open("x") as f:
                try:
                    return f
                except OSError:
                    return None
''').lstrip("\n")


def lines_of(*numbers: int) -> dict[str, frozenset[int]]:
    return {"src/app.py": frozenset(numbers)}


@pytest.fixture
def snapshot(tmp_path: Path) -> Snapshot:
    files = {"src/app.py": SOURCE, "tests/test_app.py": "def test_x():\n    pass\n"}
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).write_text(text)
    return Snapshot(root=tmp_path, files=tuple(files), digest="0")


def names(suspects: tuple[Suspect, ...]) -> list[str]:
    return [one.qualname for one in suspects]


def test_functions_are_found_with_their_lines_and_names() -> None:
    found = {one.qualname: one for one in read_functions("a.py", SOURCE)}
    assert list(found) == ["first", "Box.size", "Box.grow"]
    first, size = found["first"], found["Box.size"]
    assert (first.first_line, first.last_line) == (6, 11)
    assert size.lines[0] == "    def size(self):"  # the decorator is left out
    assert len(size.lines) == 4  # the inner function belongs to it
    assert first.names == ("Box", "RATE", "os", "down", "pi")
    assert size.names[:3] == ("grow", "first", "Box")


def test_files_that_do_not_parse_have_no_functions() -> None:
    assert read_functions("a.py", "def f(:\n") == []
    assert read_functions("a.py", "") == []


def test_what_only_failing_tests_run_comes_first(snapshot: Snapshot) -> None:
    baseline = make_baseline({"bad": "failed", "good": "passed"})
    trace = Trace(lines={"bad": lines_of(8, 11, 16), "good": lines_of(8, 10)})
    suspects = localize(snapshot, baseline, trace)
    assert names(suspects) == ["first", "Box.size"]
    weights = dict(zip(range(6, 12), suspects[0].passage.weights, strict=True))
    assert weights[11] == 1.0
    assert weights[8] == weights[9] == pytest.approx(0.5**0.5)  # both lines of the condition
    assert weights[10] == weights[7] == 0.0
    assert 0 < weights[6] < 0.1


def test_a_traceback_raises_its_lines(snapshot: Snapshot) -> None:
    lines = {"bad": lines_of(8, 10, 16, 18), "good": lines_of(8, 10, 16, 18)}
    frames = {"bad": (("tests/test_app.py", 1), ("src/app.py", 18), ("src/app.py", 10))}
    plain = make_baseline({"bad": "failed", "good": "passed"})
    framed = make_baseline({"bad": "failed", "good": "passed"}, frames=frames)
    before = {one.qualname: one for one in localize(snapshot, plain, Trace(lines=lines))}
    after = {one.qualname: one for one in localize(snapshot, framed, Trace(lines=lines))}
    assert next(iter(after)) == "first"  # where the error was raised, before where it was called
    assert after["first"].suspicion > after["Box.size"].suspicion > before["Box.size"].suspicion


def test_a_traceback_alone_is_enough(snapshot: Snapshot) -> None:
    baseline = make_baseline({"bad": "failed"}, frames={"bad": (("src/app.py", 10),)})
    assert names(localize(snapshot, baseline, Trace(lines={}))) == ["first"]


def test_flaky_tests_do_not_clear_a_line(snapshot: Snapshot) -> None:
    trace = Trace(lines={"bad": lines_of(10), "shaky": lines_of(10)})
    outcomes = {"bad": "failed", "shaky": "passed"}
    calm = localize(snapshot, make_baseline(outcomes), trace)
    shaky = localize(snapshot, make_baseline(outcomes, flaky=frozenset({"shaky"})), trace)
    assert calm[0].suspicion < shaky[0].suspicion == 1.0


def test_tests_and_foreign_paths_are_never_suspects(snapshot: Snapshot) -> None:
    lines = {"tests/test_app.py": frozenset({2}), "gone.py": frozenset({1})}
    found = localize(snapshot, make_baseline({"bad": "failed"}), Trace(lines={"bad": lines}))
    assert found == ()


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("tests/helper.py", True),
        ("src/test_x.py", True),
        ("src/x_test.py", True),
        ("conftest.py", True),
        ("src/contest.py", False),
        ("src/testing_tools.py", False),
    ],
)
def test_paths_of_tests(path: str, expected: bool) -> None:
    assert is_test_path(path) is expected


@settings(max_examples=60, deadline=None)
@given(
    failing=st.lists(st.frozensets(st.integers(1, 26)), min_size=1, max_size=3),
    passing=st.lists(st.frozensets(st.integers(1, 26)), max_size=3),
)
def test_order_and_weights_hold_for_every_trace(
    tmp_path_factory: pytest.TempPathFactory,
    failing: list[frozenset[int]],
    passing: list[frozenset[int]],
) -> None:
    root = tmp_path_factory.mktemp("tree")
    (root / "src").mkdir()
    (root / "src" / "app.py").write_text(SOURCE)
    snapshot = Snapshot(root=root, files=("src/app.py",), digest="0")
    tests = {f"bad{i}": ran for i, ran in enumerate(failing)}
    tests |= {f"good{i}": ran for i, ran in enumerate(passing)}
    outcomes = {test: "failed" if test.startswith("bad") else "passed" for test in tests}
    trace = Trace(lines={test: lines_of(*ran) for test, ran in tests.items()})
    suspects = localize(snapshot, make_baseline(outcomes), trace)
    assert len(suspects) <= MAX_SUSPECTS
    assert [one.suspicion for one in suspects] == sorted(
        (one.suspicion for one in suspects), reverse=True
    )
    for one in suspects:
        passage = one.passage
        assert all(0.0 <= weight <= 1.0 for weight in passage.weights)
        assert max(passage.weights) >= one.suspicion > 0
        assert len(passage.lines) == len(passage.anchors) == len(passage.weights)
        assert passage.lines == tuple(SOURCE.split("\n")[one.first_line - 1 : one.last_line])
        assert passage.anchors[0] == anchor(one.first_line, passage.lines[0])
    assert suspects == localize(snapshot, make_baseline(outcomes), trace)
