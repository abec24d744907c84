"""Which of the candidates that pass the visible tests is handed back: the agent's order of reasons.

Agreement first (rows that said the same), then added complexity, then size, then the place in the
stream.
"""

from __future__ import annotations

import ast
import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.listing import read_listing
from verifiers import Change, FileChange, Snapshot
from verifiers.complexity import measure

from .tasks import Task
from .verdicts import Candidate, Verdict, is_original

_EMPTY = Snapshot(Path(), (), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Survivor:
    """A candidate that passed the visible tests, and what selection looks at."""

    passes: bool
    """True when it passes the hidden tests too."""
    is_original: bool
    num_rows: int
    complexity: float
    """What it adds, by `verifiers.complexity`."""
    size: int
    """Lines that differ from the broken function."""
    place: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Picked:
    """What selection made of the survivors of one task."""

    num_survivors: int
    any_passes: bool
    passes: bool
    is_original: bool
    by_chance: float
    """Share of the survivors that pass the hidden tests: what a random pick is expected to do."""


def survivor(
    task: Task, candidate: Candidate, verdict: Verdict, num_rows: int, place: int
) -> Survivor:
    """The facts about one candidate."""
    return Survivor(
        passes=verdict == "passes",
        is_original=is_original(task, candidate),
        num_rows=num_rows,
        complexity=_complexity(task, candidate),
        size=_size(task.broken, candidate.source),
        place=place,
    )


def pick(survivors: Sequence[Survivor]) -> Picked:
    """Choose, and say how the choice did."""
    if not survivors:
        return Picked(
            num_survivors=0, any_passes=False, passes=False, is_original=False, by_chance=0.0
        )
    best = min(survivors, key=lambda s: (-s.num_rows, s.complexity, s.size, s.place))
    passing = sum(one.passes for one in survivors)
    return Picked(
        num_survivors=len(survivors),
        any_passes=bool(passing),
        passes=best.passes,
        is_original=best.is_original,
        by_chance=passing / len(survivors),
    )


def _complexity(task: Task, candidate: Candidate) -> float:
    file = FileChange(before=_flush_left(task.broken), after=_flush_left(candidate.source))
    try:
        return measure(Change({task.path: file}), _EMPTY).added
    except SyntaxError:
        return 100.0


def _flush_left(source: str) -> bytes:
    lines = source.split("\n")
    indent = read_listing(lines).indent
    text = "\n".join(line.removeprefix(indent) for line in lines) + "\n"
    return ast.unparse(ast.parse(text)).encode()


def _size(before: str, after: str) -> int:
    lines = difflib.ndiff(before.split("\n"), after.split("\n"))
    return sum(line[:2] in ("+ ", "- ") for line in lines)
