"""`python -m tests.benchmarks.mutants.exhaust FOLDER`: judge every enumerated edit of every task,
model or not.

This is what brute force in random order is computed from. It needs no weights; the verdicts are
kept for `run`.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Annotated

import typer

from engine.listing import read_listing
from engine.operators import proposals
from engine.parsing import parses
from engine.regions import find_fix

from .killing import Judge, can_confine
from .packages import load_surveys
from .tasks import Task, load_tasks
from .verdicts import Verdicts, from_listing, is_original

EXHAUSTED = "exhausted.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exhausted:
    """All single edits of one broken function, or a random `num_judged` of them."""

    task: str
    """The digest of the task."""
    num_edits: int
    num_judged: int
    num_passing: int
    has_original: bool
    """True when some judged edit gives the program back as it was."""
    first_located: int | None
    """1-based place of the first that passes when the most suspicious lines come first, ties at
    random; None where none of the first `cap` passes."""
    seconds: float


def main(
    folder: Annotated[Path, typer.Argument(help="Folder with `tasks.jsonl.gz`.")],
    cap: Annotated[
        int, typer.Option(help="Most edits that are judged per task, drawn at random.")
    ] = 256,
    limit: Annotated[int, typer.Option(help="Most tasks, spread evenly; 0: all.")] = 0,
    seed: int = 0,
    part: Annotated[
        str, typer.Option(help="I/N: only every N-th package, from the I-th (0-based).")
    ] = "0/1",
) -> None:
    """Append to `exhausted.jsonl`; tasks that it holds are skipped."""
    folder = folder.resolve()
    done = load_exhausted(folder)
    packages = {package.name: package for package, _ in load_surveys(folder)}
    index, step = map(int, part.split("/"))
    chosen = load_tasks(folder, limit=limit)
    groups = [(n, list(g)) for n, g in groupby(chosen, lambda task: task.package)]
    for name, tasks in groups[index::step]:
        todo = [task for task in tasks if task.digest not in done]
        if todo:
            with Judge(packages[name], confined=can_confine()) as judge:
                verdicts = Verdicts(folder, name, judge)
                for task in todo:
                    _append(folder, exhaust(task, verdicts, cap, seed))
            typer.echo(
                f"{name}: {len(todo)} tasks, {verdicts.judged} judged in {verdicts.seconds:.0f} s"
            )


def exhaust(task: Task, verdicts: Verdicts, cap: int, seed: int) -> Exhausted:
    """Judge the edits of one task."""
    started = time.perf_counter()
    edits = enumerated(task)
    random.Random(f"{seed}:{task.id}").shuffle(edits)
    chosen = [from_listing(task, edit) for edit in edits[:cap]]
    passing = [edit for edit in chosen if verdicts.of(task, edit) == "passes"]
    located = (from_listing(task, edit) for edit in _most_suspicious(task, edits)[:cap])
    places = (n for n, edit in enumerate(located, 1) if verdicts.of(task, edit) == "passes")
    return Exhausted(
        task=task.digest,
        num_edits=len(edits),
        num_judged=len(chosen),
        num_passing=len(passing),
        has_original=any(is_original(task, edit) for edit in passing),
        first_located=next(places, None),
        seconds=round(time.perf_counter() - started, 3),
    )


def enumerated(task: Task) -> list[str]:
    """Distinct listings that one edit of the operator table leads to."""
    listing = read_listing(task.broken.split("\n"))
    return [edit.source for edit in proposals(listing.source, task.names) if parses(edit.source)]


def _most_suspicious(task: Task, edits: Sequence[str]) -> list[str]:
    """Edits by the most suspicious line that they replace, or that they insert beside."""
    listing = read_listing(task.broken.split("\n"))
    weights = [task.weights[line] for line in listing.origin]

    def suspicion(edit: str) -> float:
        fix = find_fix(listing.lines, edit.rstrip("\n").split("\n"))
        beside = slice(max(0, fix.start - 1), fix.start + 1)
        touched = weights[fix.start : fix.start + fix.replaced] or weights[beside]
        return max(touched)

    return sorted(edits, key=suspicion, reverse=True)


def load_exhausted(folder: Path) -> dict[str, Exhausted]:
    """What was judged so far, by the digest of the task."""
    path = folder / EXHAUSTED
    if not path.exists():
        return {}
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return {row["task"]: Exhausted(**row) for row in rows}


def _append(folder: Path, found: Exhausted) -> None:
    with (folder / EXHAUSTED).open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(found)) + "\n")


if __name__ == "__main__":
    typer.run(main)
