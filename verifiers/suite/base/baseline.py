"""What the tests say of the base tree: the measure for every candidate."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from verifiers.suite.running.failures import Failure
from verifiers.suite.running.stages import Stage

PASSING = frozenset({"passed", "xfailed", "xpassed", "skipped"})
RED = frozenset({"failed", "error"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What the runs of a clean base showed, whatever is asked for. Nothing in it depends on targets or held-out tests."""

    arguments: tuple[str, ...]
    """Of pytest, in every run."""
    outcomes: Mapping[str, str]
    flaky: frozenset[str]
    order_dependent: frozenset[str]
    missing: Mapping[str, Failure]
    failures: Mapping[str, Failure]
    uncollected: Mapping[str, str]
    places: Mapping[str, tuple[str, int]]
    durations: Mapping[str, float]
    seconds: float
    warm: bool
    stage: Stage = "imports"
    """How much the servers did before they forked, in the run that gave the durations."""
    modules: Mapping[str, str]
    """Name -> file of what was imported."""
    order: tuple[str, ...]
    num_cold_runs: int
    notes: tuple[str, ...]

    def with_flaky(self, tests: Collection[str]) -> Measured:
        """The same with further tests that come and go."""
        outcomes = {t: o for t, o in self.outcomes.items() if t not in tests}
        return replace(self, outcomes=outcomes, flaky=self.flaky.union(tests))


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """The base tree's tests, run several times."""

    outcomes: Mapping[str, str]
    """Test id -> `passed`, `failed`, `error`, `skipped`, `xfailed`, `xpassed`; flaky ones left out."""
    flaky: frozenset[str]
    """Tests whose outcomes differ between runs: they count for nothing."""
    order_dependent: frozenset[str] = frozenset()
    """Those of the flaky ones that do otherwise in another order, and only there."""
    missing: Mapping[str, Failure] = field(default_factory=dict)
    """Red tests that pass outside the sandbox -> how they fail inside: they need what it does not give, and are no targets."""
    targets: tuple[str, ...]
    """Red tests that a winner turns green."""
    failures: Mapping[str, Failure]
    uncollected: Mapping[str, str] = field(default_factory=dict)
    """File of tests that pytest cannot collect -> why, in one line. Its tests count for nothing."""
    places: Mapping[str, tuple[str, int]]
    """Test id -> file and 1-based line of its function, which may be another class's."""
    durations: Mapping[str, float]
    seconds: float
    """Of one run of the whole suite."""
    held_out: frozenset[str] = frozenset()
    """Tests that a winner has to pass and that choosing never sees: they are in none of the other tables."""
    hidden: frozenset[str] = frozenset()
    """All tests that are held out, those that count for nothing included."""
    warm: bool
    """True when a server that has imported third-party modules already gives the same outcomes."""
    order: tuple[str, ...] = ()
    """Arguments of pytest that give the other order in which a confirmation runs; empty is the project's own order."""
    num_cold_runs: int = 1
    """Runs from nothing that the outcomes come from, each with another hash seed, all but the first in another order."""
    modules: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """File of tests -> the files of the tree that it imports, itself included."""
    notes: tuple[str, ...] = ()
    """What a person should know of these runs, in sentences."""

    def with_flaky(self, tests: Collection[str]) -> Baseline:
        """The same with further tests that come and go."""
        outcomes = {t: o for t, o in self.outcomes.items() if t not in tests}
        return replace(self, outcomes=outcomes, flaky=self.flaky.union(tests))

    @property
    def must_pass(self) -> frozenset[str]:
        """Tests that have to pass in every candidate: the stably green ones and the targets."""
        return frozenset(t for t, o in self.outcomes.items() if o == "passed") | set(self.targets)

    @property
    def may_fail(self) -> tuple[str, ...]:
        """Tests that are red or flaky on the base and are not asked for."""
        red = {t for t, o in self.outcomes.items() if o in RED} - set(self.targets)
        return tuple(sorted(red | self.flaky))

    def test_files_by_change(self, paths: Collection[str]) -> tuple[str, ...]:
        """Files of tests that import any of these paths, directly or through others."""
        touched = frozenset(paths)
        return tuple(sorted(test for test, files in self.modules.items() if files & touched))


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """Which lines each test ran."""

    lines: Mapping[str, Mapping[str, frozenset[int]]]
    """Test id -> path -> 1-based lines."""


def kind_of(outcome: str) -> str:
    """The outcome; one word for all red ones, since a test that is red for another reason is still red."""
    return "red" if outcome in RED else outcome
