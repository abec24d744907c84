"""What the tests say of the base tree: the measure for every candidate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

PASSING = frozenset({"passed", "xfailed", "xpassed", "skipped"})
RED = frozenset({"failed", "error"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One place in a traceback, inside the tree."""

    path: str
    line: int
    """1-based."""
    function: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a test failed."""

    error: str
    """Name of the exception's class."""
    message: str
    path: str
    """Of the innermost frame inside the tree; empty where there is none."""
    line: int
    frames: tuple[Frame, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """The base tree's tests, run twice."""

    outcomes: Mapping[str, str]
    """Test id -> `passed`, `failed`, `error`, `skipped`, `xfailed`, `xpassed`; flaky ones left out."""
    flaky: frozenset[str]
    """Tests whose two outcomes differ: they count for nothing."""
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

    @property
    def must_pass(self) -> frozenset[str]:
        """Tests that have to pass in every candidate: the stably green ones and the targets."""
        return frozenset(t for t, o in self.outcomes.items() if o == "passed") | set(self.targets)

    @property
    def may_fail(self) -> tuple[str, ...]:
        """Tests that are red or flaky on the base and are not asked for."""
        red = {t for t, o in self.outcomes.items() if o in RED} - set(self.targets)
        return tuple(sorted(red | self.flaky))


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """Which lines each test ran."""

    lines: Mapping[str, Mapping[str, frozenset[int]]]
    """Test id -> path -> 1-based lines."""
