"""What a case is: a commit that fixes one function, and the tests that it turns green."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

MANIFEST = Path(__file__).with_name("manifest.jsonl")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fix:
    """A commit with one small hunk in one function of one file, and with changes to tests."""

    repository: str
    """`owner/name`."""
    commit: str
    parent: str
    path: str
    function: str
    """Qualified name of the outermost function or method that holds the hunk."""
    kind: str
    """Shape of the fix: see `shapes.KINDS`."""
    num_removed: int
    num_added: int
    test_files: tuple[str, ...]
    """Python files of the tests that the commit touched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A fix that was seen to work: it turns the targets green and breaks nothing else."""

    id: str
    package: str
    fix: Fix
    targets: tuple[str, ...]
    suite: tuple[str, ...]
    """Paths that pytest collects."""
    is_whole_suite: bool
    """False where the whole suite takes too long and only tests near the fix are run."""
    later: str
    """The newest commit within a year after the fix; the fix's own where there is none."""
    num_passed: int
    """Green tests after the fix."""
    seconds: float
    """Processor seconds of the suite after the fix, on the machine that mined it."""


def load_cases(path: Path = MANIFEST) -> Iterator[Case]:
    """The rows of a manifest."""
    for line in path.read_text().splitlines():
        row = json.loads(line)
        fix = {**row.pop("fix")}
        fix["test_files"] = tuple(fix["test_files"])
        row["targets"], row["suite"] = tuple(row["targets"]), tuple(row["suite"])
        yield Case(fix=Fix(**fix), **row)


def save_cases(cases: Iterable[Case], path: Path = MANIFEST) -> None:
    """Write a manifest, in the order of ids. It holds names and numbers, no source text."""
    rows = sorted((asdict(case) for case in cases), key=lambda row: str(row["id"]))
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
