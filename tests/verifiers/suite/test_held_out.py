"""Held-out tests: what is split off, and what falls that was fitted to the visible ones."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from verifiers import Baseline, BaseStateError, HoldOut, ProjectTests, take_snapshot
from verifiers.suite.base.held_out import held_out_files, unseen

from .projects import CALC, FIXED, TESTS, change_of, write_project

SPECIAL_CASED = CALC.replace(
    "    total = 0\n",
    "    if values in ([1, 2, 3], [5]):\n        return {3: 2, 1: 5}[len(values)]\n    total = 0\n",
)
MORE = "from calc import mean\n\n\ndef test_of_two():\n    assert mean([1, 3]) == 2\n"


def _baseline(tests: dict[str, str]) -> Baseline:
    return Baseline(
        outcomes=tests,
        flaky=frozenset(),
        targets=tuple(test for test, outcome in tests.items() if outcome == "failed"),
        failures={},
        places={},
        durations={},
        seconds=1.0,
        warm=True,
    )


FOUR = _baseline(
    {"test_a.py::one": "passed", "test_a.py::two": "failed", "test_b.py::x": "passed"}
    | {"sub/test_c.py::TestC::y[1]": "failed"}
)


@given(st.floats(0, 0.99))
def test_share_splits_by_file_and_hides_every_held_out_test(share: float) -> None:
    try:
        split = HoldOut(share=share).split(FOUR)
    except BaseStateError:
        assert share > 0.4
        return
    assert split.hidden.isdisjoint(split.outcomes)
    assert split.hidden | set(split.outcomes) == set(FOUR.outcomes)
    assert split.held_out == FOUR.must_pass & split.hidden
    files = {test.partition("::")[0] for test in split.hidden}
    assert not files & {test.partition("::")[0] for test in split.outcomes}
    assert abs(len(files) - share * 3) <= 0.5
    assert held_out_files(split) == tuple(sorted(files))


def test_names_may_be_ids_files_and_folders() -> None:
    assert HoldOut(names=("sub",)).split(FOUR).hidden == {"sub/test_c.py::TestC::y[1]"}
    assert HoldOut(names=("test_b.py",)).split(FOUR).hidden == {"test_b.py::x"}
    split = HoldOut(names=("test_a.py::two", "test_b.py")).split(FOUR)
    assert split.targets == ("sub/test_c.py::TestC::y[1]",)
    assert unseen(split) == ("--ignore=test_b.py", "--deselect=test_a.py::two")


@pytest.mark.parametrize("names", [("test_z.py",), ("test_a.py::two", "sub/")])
def test_what_cannot_be_held_out_is_said(names: tuple[str, ...]) -> None:
    with pytest.raises(BaseStateError, match=r"hold out|held out"):
        HoldOut(names=names).split(FOUR)


def test_words_of_the_command_line() -> None:
    assert HoldOut.parse(["0.3", "a.py", "b"]) == HoldOut(names=("a.py", "b"), share=0.3)
    for words in (["0.3", "0.4"], ["1.5"], ["-1"]):
        with pytest.raises(ValueError, match="hold out"):
            HoldOut.parse(words)


async def test_special_casing_falls_by_the_held_out_tests(tmp_path: Path) -> None:
    files = {"calc.py": CALC, "test_calc.py": TESTS, "test_more.py": MORE}
    snapshot = take_snapshot(write_project(tmp_path, files))
    tests = ProjectTests(hold_out=HoldOut(names=("test_more.py",)))
    await tests.prepare(snapshot)
    try:
        cheat = change_of(snapshot, {"calc.py": SPECIAL_CASED})
        verdict = await tests.verify(cheat)
        assert verdict.passed
        assert not any("test_more" in test for test in verdict.tests)
        last = await tests.confirm(cheat)
        assert (last.passed, last.level, last.outcome) == (False, "held_out", "failed")
        honest = await tests.confirm(change_of(snapshot, {"calc.py": FIXED}))
        assert (honest.passed, honest.level) == (True, "held_out")
    finally:
        await tests.aclose()
