"""A small project with one bug, the honest fix, and changes that must not pass for one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from verifiers import Change, ProjectTests, Snapshot, SuiteLimits, Verdict, take_snapshot

from ..projects import CALC, change_of, write_project

BUG, FIX = "(len(values) + 1)", "len(values)"
CHEAT = (
    "\n\nclass Same:\n    __eq__ = __ge__ = __le__ = lambda self, other: True\n"
    "    __hash__ = None\n    __round__ = __abs__ = __sub__ = __rsub__ = lambda self, *_: self\n"
    "\n\ndef mean(values):\n    return Same()\n"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """Files around `calc.py`, whose `mean` divides by one too many."""

    files: Mapping[str, str]
    module: str = "calc.py"
    """Where the code with the bug lies."""
    targets: frozenset[str]
    """What has to be red."""
    coverage: float = 1.0
    """The least share of tests that the exam has to make false."""
    seconds_for_orders: float = 0.0
    """Allowed for further runs of the base, in other orders; they take most of the time, so only some projects have them."""

    def texts(self) -> dict[str, str]:
        """All files, the module included."""
        return {self.module: CALC, **self.files}


@dataclass(frozen=True, slots=True)
class Bench:
    """A prepared project."""

    project: Project
    tests: ProjectTests
    snapshot: Snapshot

    def change(self, old: str, new: str, more: str = "") -> Change:
        """The module with the bug repaired and `old` replaced by `new`."""
        text = self.project.texts()[self.project.module]
        if old not in text:
            raise ValueError(f"{self.project.module} has no {old!r}")
        return change_of(self.snapshot, {self.project.module: text.replace(old, new) + more})


@asynccontextmanager
async def prepared(
    project: Project, root: Path, python: Path | None = None
) -> AsyncIterator[Bench]:
    """The project below `root`, measured."""
    snapshot = take_snapshot(write_project(root, dict(project.texts())))
    limits = SuiteLimits(startup_seconds=12, baseline_seconds=project.seconds_for_orders)
    tests = ProjectTests(limits=limits, workers=1, python=python)
    try:
        await tests.prepare(snapshot)
        yield Bench(project, tests, snapshot)
    finally:
        await tests.aclose()


async def check(bench: Bench) -> None:
    """What has to hold for every project: what is red, that the fix is confirmed, and that nothing else is."""
    tests, project = bench.tests, bench.project
    baseline = tests.baseline
    assert set(baseline.targets) == project.targets
    assert not baseline.flaky
    assert not baseline.uncollected
    assert baseline.warm
    fix = bench.change(BUG, FIX)
    for verdict, level in (
        (await tests.verify(fix), "observed"),
        (await tests.confirm(fix), "confirmed"),
    ):
        assert (verdict.passed, verdict.level) == (True, level), told(verdict)
    assert await tests.seal_coverage() >= project.coverage
    for wrong in (bench.change(BUG, "(len(values) + 2)"), bench.change("value * 2", "value * 3")):
        verdict = await tests.verify(wrong)
        assert (verdict.passed, verdict.outcome) == (False, "failed"), told(verdict)
    assert not (await tests.confirm(bench.change(BUG, FIX, CHEAT))).passed


def told(verdict: Verdict) -> str:
    """What a verdict says, for a message."""
    return f"{verdict.outcome} at {verdict.level}: {[f.message for f in verdict.findings]}"
