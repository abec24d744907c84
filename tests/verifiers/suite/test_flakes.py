"""Tests that break under a change and pass when they run again: whom that is charged to, and what is said of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from verifiers import Change, ProjectTests, Snapshot, SuiteLimits, Verdict, take_snapshot
from verifiers.suite.base.cache import Cache
from verifiers.suite.confirming import confirm_from_nothing
from verifiers.suite.judging.flakes import suspects_of
from verifiers.suite.judging.judgement import judge
from verifiers.suite.running.observations import read_observations
from verifiers.suite.running.runs import Result

from .conftest import Bench
from .projects import CALC, FIXED, TESTS, change_of, write_project

COIN = "test_coin.py::test_coin"
COIN_TEXT = """
import pathlib
SCRIPT = pathlib.Path({script!r})

def test_coin():
    rest = SCRIPT.read_text()
    SCRIPT.write_text(rest[1:])
    assert rest[:1] != "f"
"""


@dataclass(frozen=True)
class Table:
    """A project with a coin whose next throws are written in a file: `f` fails, `p` passes; it passes from the end on."""

    tests: ProjectTests
    snapshot: Snapshot
    script: Path
    cache: Path

    @property
    def change(self) -> Change:
        return change_of(self.snapshot, {"calc.py": FIXED})

    async def verify(self, throws: str) -> Verdict:
        self.script.write_text(throws)
        return await self.tests.verify(self.change)

    async def confirm(self, throws: str) -> Verdict:
        self.script.write_text(throws)
        return await confirm_from_nothing(self.tests._ready, self.change, {})

    @property
    def throws_left(self) -> str:
        return self.script.read_text()


@pytest.fixture
async def table(tmp_path: Path) -> AsyncIterator[Table]:
    script = tmp_path / "script"
    script.write_text("")
    files = {"calc.py": CALC, "test_calc.py": TESTS}
    files["test_coin.py"] = COIN_TEXT.format(script=str(script))
    snapshot = take_snapshot(write_project(tmp_path / "project", files))
    limits = SuiteLimits(baseline_seconds=0, startup_seconds=30)
    tests = ProjectTests(isolation="unsafe", limits=limits, cache=tmp_path / "cache")
    await tests.prepare(snapshot)
    assert COIN in tests.baseline.must_pass
    yield Table(tests, snapshot, script, tmp_path / "cache")
    await tests.aclose()


def _kinds(verdict: Verdict) -> dict[str, str]:
    return {one.kind: one.message for one in verdict.findings}


async def test_a_test_that_the_base_fails_too_is_flaky_for_good(table: Table) -> None:
    verdict = await table.verify("fp" + "ppfpf")
    assert (verdict.passed, verdict.outcome) == (True, "passed")
    assert "in 2 of 5 runs" in _kinds(verdict)["test.flaky"]
    assert table.tests.baseline.flaky == {COIN}
    assert COIN not in table.tests.baseline.must_pass
    (path,) = table.cache.glob("*.json")
    entry = Cache(table.cache, path.stem).load()
    assert entry is not None
    assert entry.measured.flaky == {COIN}, "what was found out is kept"


async def test_a_test_that_the_base_never_fails_counts_as_failed(table: Table) -> None:
    verdict = await table.verify("fp" + "ppppp")
    assert (verdict.passed, verdict.outcome) == (False, "failed")
    assert "5 of 5 runs" in _kinds(verdict)["test.flaky-suspect"]
    assert table.throws_left == ""
    assert not table.tests.baseline.flaky


async def test_a_test_that_fails_again_is_not_asked_of_the_base(table: Table) -> None:
    verdict = await table.verify("ff" + "xyz")
    assert (verdict.passed, verdict.outcome) == (False, "failed")
    assert COIN in _kinds(verdict)["test.rerun"]
    assert table.throws_left == "xyz", "it ran twice, and no more"


@pytest.mark.parametrize(
    ("throws", "passed", "kind"),
    [
        ("fp" + "pfppp", True, "test.flaky"),
        ("fp" + "ppppp", False, "test.flaky-suspect"),
        ("ff", False, "test.rerun"),
    ],
)
async def test_the_same_holds_for_a_confirmation(
    table: Table, throws: str, passed: bool, kind: str
) -> None:
    verdict = await table.confirm(throws)
    assert (verdict.passed, verdict.level) == (passed, "confirmed")
    assert kind in _kinds(verdict)
    assert table.throws_left == ""


async def test_a_change_that_brings_a_race_is_refused(bench: Bench) -> None:
    shared = "calls = []\n\n\n" + FIXED.replace(
        "    total = 0\n", "    calls.append(1)\n    total = 0\n"
    )
    shared = shared.replace("return value * 2", "return value * 2 + len(calls)")
    verdict = await bench.tests.verify(bench.change({"calc.py": shared}))
    assert (verdict.passed, verdict.outcome) == (False, "failed")
    assert "test_double" in _kinds(verdict)["test.flaky-suspect"]


def _result(outcomes: dict[str, str]) -> Result:
    lines = []
    for test, outcome in outcomes.items():
        error = '["AssertionError", "no", []]' if outcome == "failed" else "null"
        for phase in ("setup", "call", "teardown"):
            end = outcome if phase == "call" else "passed"
            lines.append(f'["n", "report", "{test}", "{phase}", "{end}", false, 0.1, {error}]')
        lines.append(f'["n", "finished", "{test}"]')
    seen = read_observations("\n".join([*lines, '["n", "end", 1]']).encode(), "n")
    return Result(seen=seen, stopped="", status=1, seconds=1.0, tail="")


@pytest.mark.parametrize(
    ("failed", "suspects"),
    [
        (("a",), ("a",)),
        (("b", "a"), ("a", "b")),
        ((), ()),
        (("t",), ()),
        (("a", "t"), ()),
        (("a", "b", "c", "d", "e", "f"), ()),
    ],
)
def test_targets_and_many_tests_are_never_run_again(
    failed: tuple[str, ...], suspects: tuple[str, ...]
) -> None:
    tests = ("a", "b", "c", "d", "e", "f", "t")
    result = _result({test: "failed" if test in failed else "passed" for test in tests})
    assert suspects_of(judge(result, tests), result, ("t",)) == suspects


CRASH = "import os, sys\n{when}os.kill(os.getpid(), 11)\n"
WARM_ONLY = "if 'pytest' not in str(getattr(sys.modules['__main__'], '__file__', '')): "


async def test_a_crash_on_a_warm_server_is_tried_again_from_nothing(bench: Bench) -> None:
    assert bench.tests.baseline.warm
    unsafe_to_fork = CRASH.format(when=WARM_ONLY) + FIXED
    verdict = await bench.tests.verify(bench.change({"calc.py": unsafe_to_fork}))
    assert (verdict.passed, verdict.outcome) == (True, "passed")
    assert "signal 11" in _kinds(verdict)["run.again"]


async def test_a_crash_everywhere_is_a_crash(bench: Bench) -> None:
    verdict = await bench.tests.verify(bench.change({"calc.py": CRASH.format(when="") + FIXED}))
    assert (verdict.passed, verdict.outcome) == (False, "crash")
    assert {"run.crash", "run.again"} <= _kinds(verdict).keys()
