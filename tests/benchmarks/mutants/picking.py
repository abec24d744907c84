"""What the agent's selector hands back of the candidates that pass the visible tests.

Complexity is measured on the function alone, so that nothing is known of code like it elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from agent.selectors import select
from agent.types import Candidate as Judged
from engine import Sample
from engine.listing import read_listing
from verifiers import Change, FileChange, Snapshot, Verdict
from verifiers.complexity import measure
from verifiers.complexity.verifier import score

from .tasks import Task
from .verdicts import Candidate, is_original

_EMPTY = Snapshot(Path(), (), "")
_PASSED = Verdict(
    verifier="tests", passed=True, score=1.0, outcome="passed", tests={"visible": "passed"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Survivor:
    """A candidate that passed the visible tests."""

    candidate: Candidate
    num_rows: int
    """How many rows said it."""
    passes: bool
    """True when it passes the hidden tests too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picked:
    """What selection made of the survivors of one task."""

    num_survivors: int
    any_passes: bool
    passes: bool
    is_original: bool
    by_chance: float
    """Share of the survivors that pass the hidden tests: what a random pick is expected to do."""


def pick(task: Task, survivors: Sequence[Survivor]) -> Picked:
    """Let the agent choose among survivors, given in the order in which they came."""
    judged = [_judged(task, place, one) for place, one in enumerate(survivors)]
    repeats = [
        Judged(index=len(survivors), sample=judged[place].sample, duplicate_of=place)
        for place, one in enumerate(survivors)
        for _ in range(one.num_rows - 1)
    ]
    winner = select([*judged, *repeats]).winner
    best = None if winner is None else survivors[winner.index]
    passing = sum(one.passes for one in survivors)
    return Picked(
        num_survivors=len(survivors),
        any_passes=passing > 0,
        passes=best is not None and best.passes,
        is_original=best is not None and is_original(task, best.candidate),
        by_chance=passing / max(1, len(survivors)),
    )


def _judged(task: Task, place: int, one: Survivor) -> Judged:
    file = FileChange(before=_flush_left(task.broken), after=_flush_left(one.candidate.source))
    change = Change({Path(task.path).name: file})
    complexity = Verdict(
        verifier="complexity", passed=True, score=score(measure(change, _EMPTY)), outcome="passed"
    )
    return Judged(
        index=place,
        sample=Sample(text=one.candidate.source, index=place, seed=place),
        change=change,
        verdicts=(_PASSED, complexity),
    )


def _flush_left(source: str) -> bytes:
    lines = source.split("\n")
    indent = read_listing(lines).indent
    return ("\n".join(line.removeprefix(indent) for line in lines) + "\n").encode()
