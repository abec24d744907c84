"""The central types of the orchestrator. Nothing here imports a sibling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from engine import Canvas, Sample
from verifiers import Change, Verdict, Verifier

if TYPE_CHECKING:
    from verifiers import Baseline, Trace

Outcome: TypeAlias = Literal[
    "winner", "none", "base_wrong", "budget", "failed", "tampered", "interrupted"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What is asked: make these tests of this repository pass."""

    repo: Path
    instructions: str = ""
    targets: tuple[str, ...] = ()
    """Test ids that must turn green; empty means every test that is stably red."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """What a model asked for, validated against the tool's schema."""

    name: str
    arguments: Mapping[str, Any]
    repairs: tuple[str, ...] = ()
    """What had to be repaired before the call could be read; every entry costs score."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """What a call format found in a model's text; what does not read stays in `content`."""

    calls: tuple[ToolCall, ...]
    content: str = ""
    diagnostics: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One sample and what became of it. A bad candidate is data: `fault` says what was wrong."""

    index: int
    """Order in which the run considered it."""
    sample: Sample
    calls: tuple[ToolCall, ...] = ()
    change: Change | None = None
    verdicts: tuple[Verdict, ...] = ()
    fault: str | None = None
    duplicate_of: int | None = None

    @property
    def passed(self) -> bool:
        """True when every verifier passed it and nothing went wrong on the way."""
        return self.fault is None and bool(self.verdicts) and all(v.passed for v in self.verdicts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The winner, or none, with the reason in words."""

    winner: Candidate | None
    reason: str
    num_agreeing: int = 0
    """Passing candidates that behave as the winner does, itself included."""
    best_partial: Candidate | None = None
    """When there is no winner: the candidate that came closest. Never applied."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Everything that happened, in seed order."""

    task: Task
    outcome: Outcome
    selection: Selection
    candidates: tuple[Candidate, ...]
    seconds: Mapping[str, float] = field(default_factory=dict)
    """Seconds per phase: baseline, localize, sample, verify, confirm, total.

    Sampling and verifying go on side by side; `verify` is summed over candidates.
    """
    manifest: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    """What a reader should know: functions that could not be asked about, limits that were hit."""

    @property
    def winner(self) -> Candidate | None:
        """The candidate that proved itself, if any."""
        return self.selection.winner


class CallFormat(Protocol):
    """One dialect in which a model writes tool calls."""

    @property
    def name(self) -> str:
        """The name by which the format is chosen."""

    def parse(self, text: str, tools: Sequence[Mapping[str, Any]] | None = None) -> Parsed:
        """Find calls. Never raises on model text."""

    def render(self, calls: Sequence[ToolCall]) -> str:
        """The calls as the model would write them."""

    def canvas(self, path: str) -> Canvas | None:
        """The shape of an edit of `path`, if the format can pin it."""


class Selector(Protocol):
    """Chooses among candidates that were verified."""

    def __call__(self, candidates: Sequence[Candidate]) -> Selection:
        """The winner or none; never changes a candidate."""


class SuiteRunner(Verifier, Protocol):
    """The verifier that runs the tests: it says what is red, and has the last word."""

    @property
    def baseline(self) -> Baseline:
        """What the tests said of the base tree; there after `prepare`."""

    async def trace(self) -> Trace:
        """Which lines each test runs."""

    async def confirm(self, change: Change) -> Verdict:
        """Judge a change once more, from nothing: whole suite, fresh processes."""

    async def aclose(self) -> None:
        """End every process and free what was set up."""


class Listener(Protocol):
    """Hears of what happens in a run: a journal, a display."""

    def __call__(self, kind: str, facts: Mapping[str, Any]) -> None:
        """One event; `kind` is dotted and stable, `facts` are JSON values."""
