"""One broken function of a held-out package, its tests, and the file that all tasks lie in."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from engine.base import Passage

from .functions import Function

TASKS = "tasks.jsonl.gz"


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A mutant that at least one test kills."""

    id: str
    package: str
    path: str
    """Relative to the package's root."""
    qualname: str
    first_line: int
    line: int
    kind: str
    family: str
    right: str
    """Raw lines from `def` on, as in the file."""
    broken: str
    tests: tuple[str, ...]
    """Every stable test that executes the function: visible ones first, in each half the killing
    ones first.
    """
    num_visible: int
    """How many of `tests` selection may see in the measurement with hidden tests; all where one
    test kills.
    """
    killing: tuple[str, ...]
    weights: tuple[float, ...]
    """One per raw line of `broken`, from coverage and tracebacks."""
    names: tuple[str, ...]
    """In scope around the function."""
    clean_seconds: float
    """Processor time that the tests take with the right function."""

    @property
    def digest(self) -> str:
        """Equal for tasks on which every candidate gets the same verdict."""
        content = json.dumps([self.id, self.broken, self.tests, self.num_visible])
        return hashlib.blake2b(content.encode(), digest_size=12).hexdigest()

    @property
    def has_hidden(self) -> bool:
        """True when some killing test is hidden from selection, and some is not."""
        return self.num_visible < len(self.tests)

    @property
    def function(self) -> Function:
        """The right function, for the judge."""
        return Function(
            package=self.package,
            path=self.path,
            qualname=self.qualname,
            first_line=self.first_line,
            line=self.line,
            source=self.right,
        )

    def passage(self, *, evidence: bool) -> Passage:
        """What the engine is asked; anchors are 0-based raw lines, weights are equal without
        evidence.
        """
        lines = tuple(self.broken.split("\n"))
        weights = self.weights if evidence else (1.0,) * len(lines)
        anchors = tuple(map(str, range(len(lines))))
        return Passage(
            path=self.path, lines=lines, anchors=anchors, weights=weights, names=self.names
        )


def save_tasks(folder: Path, tasks: Iterable[Task], name: str = TASKS) -> None:
    """Write `tasks.jsonl.gz`, or a file of another name, at once."""
    with gzip.open(folder / f"{name}.part", "wt", encoding="utf-8") as file:
        for task in tasks:
            file.write(json.dumps(asdict(task)) + "\n")
    (folder / f"{name}.part").replace(folder / name)


def load_tasks(folder: Path, name: str = TASKS, limit: int = 0) -> list[Task]:
    """What `save_tasks` wrote; with a limit, so many of them, spread evenly."""
    with gzip.open(folder / name, "rt", encoding="utf-8") as file:
        tasks = [_task(json.loads(line)) for line in file]
    if not 0 < limit < len(tasks):
        return tasks
    return [tasks[i * len(tasks) // limit] for i in range(limit)]


def _task(values: dict[str, object]) -> Task:
    for name in ("tests", "killing", "weights", "names"):
        values[name] = tuple(values[name])  # type: ignore[arg-type]
    return Task(**values)  # type: ignore[arg-type]
