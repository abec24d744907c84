"""Verdicts by candidate text, kept on disk, so that no candidate is judged twice."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from engine.base import Sample
from engine.listing import read_listing
from engine.regions import find_fix

from .functions import same_program
from .killing import Judge
from .tasks import Task

Verdict: TypeAlias = Literal["fails", "visible", "passes"]
"""`visible`: passes the visible half of the tests and fails a hidden one. `passes`: passes every
test.
"""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One function in the place of the broken one."""

    source: str
    """Raw lines."""
    key: str
    """Equal for candidates with equal code, whatever their comments are; empty for what does not
    parse.
    """


def from_sample(task: Task, sample: Sample) -> Candidate | None:
    """The function that a sample leads to; None for a row that said nothing. Anchors are those of
    `Task.passage`.
    """
    if not sample.slots:
        return None
    raw, where = task.broken.split("\n"), sample.slots["where"]
    added = sample.slots["text"].split("\n") if sample.slots["op"] != "delete" else []
    if sample.slots["op"] == "insert":
        side, line = where.split(" ")
        first = last = int(line) + (side == "after")
    else:
        start, end = where.split("..")
        first, last = int(start), int(end) + 1
    return make_candidate([*raw[:first], *added, *raw[last:]])


def from_listing(task: Task, after: str) -> Candidate:
    """The function with the edit that leads from its listing to `after`."""
    raw = task.broken.split("\n")
    own = read_listing(raw)
    fix = find_fix(own.lines, after.rstrip("\n").split("\n"))
    added = [own.restore(line) for line in fix.added]
    first = own.origin[fix.start] if fix.start < len(own.origin) else len(raw)
    last = own.origin[fix.start + fix.replaced - 1] + 1 if fix.replaced else first
    return make_candidate([*raw[:first], *added, *raw[last:]])


def make_candidate(raw: list[str]) -> Candidate:
    """A candidate with the key of its listing."""
    try:
        listing = read_listing(raw).source
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return Candidate("\n".join(raw), "")
    return Candidate("\n".join(raw), hashlib.blake2b(listing.encode(), digest_size=12).hexdigest())


class Verdicts:
    """Answers of the judge for one package, remembered in `verdicts/PACKAGE.jsonl`."""

    def __init__(self, folder: Path, package: str, judge: Judge) -> None:
        self._judge = judge
        self._path = folder / "verdicts" / f"{package}.jsonl"
        self._path.parent.mkdir(exist_ok=True)
        self._known: dict[tuple[str, str], Verdict] = {}
        if self._path.exists():
            for line in self._path.read_text(encoding="utf-8").splitlines():
                task, key, verdict = json.loads(line)
                self._known[task, key] = verdict
        self.judged = 0
        """Candidates that were really run."""
        self.seconds = 0.0
        """Processor time that these took."""

    def of(self, task: Task, candidate: Candidate) -> Verdict:
        """Run the tests of the task, up to the first that fails.

        Raises:
            JudgeError: the judge's process died.
        """
        if not candidate.key:
            return "fails"
        place = task.digest, candidate.key
        known = self._known.get(place)
        if known is None:
            known = self._known[place] = self._run(task, candidate)
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps([*place, known]) + "\n")
        return known

    def _run(self, task: Task, candidate: Candidate) -> Verdict:
        seen = self._judge.run(
            task.function, candidate.source, task.tests, clean_seconds=task.clean_seconds
        )
        self.judged += 1
        self.seconds += seen.cpu_seconds
        if seen.passed(task.tests):
            return "passes"
        shown = task.tests[: task.num_visible]
        passed = all(seen.outcomes.get(test) == "passed" for test in shown)
        return "visible" if passed and task.has_hidden else "fails"


def is_original(task: Task, candidate: Candidate) -> bool:
    """True for the same program as before the mutation."""
    return same_program(candidate.source, task.right)
