"""`python -m tests.benchmarks.suite_speed FOLDER`: seconds per candidate on four projects, beside two other ways, interleaved.

(a) is a copy of the tree and `python -m pytest`; (b) is the same in a room made by bubblewrap; (c) is winnow's warm server: the
whole suite in a sandbox. The floor is the sum of what the tests themselves took in (c). FOLDER is filled first, from a package
index.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import anyio

from verifiers import Change, ProjectTests, Snapshot, take_snapshot
from verifiers.suite.running.runs import Result

from .projects import PROJECTS, Project, prepare, python_of

_STREAM, _GOOD_IN_STREAM = 32, 4
"""Candidates of the stream that measures throughput: one in two is a duplicate, as samples of one small model are."""


@dataclass(slots=True)
class Taken:
    """Seconds of one way, by repeat."""

    seconds: list[float] = field(default_factory=list)

    @property
    def milliseconds(self) -> float:
        """The median."""
        return 1000 * statistics.median(self.seconds)


def main() -> None:
    """Print one block for each project."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--only", help="name of one project")
    asked = parser.parse_args()
    prepare(asked.folder.resolve())
    said = subprocess.run(
        [python_of(asked.folder.resolve()), "-m", "pip", "list", "--format=freeze"],
        capture_output=True,
        text=True,
        check=True,
    )
    wanted = ("pytest=", "numpy=", "pandas=")
    versions = ", ".join(v for v in said.stdout.split() if v.startswith(wanted))
    print(f"Python {platform.python_version()}, {os.cpu_count()} processors, {versions}")
    for project in PROJECTS:
        if asked.only in (None, project.name):
            anyio.run(_compare, project, asked.folder.resolve(), asked.repeats)


async def _compare(project: Project, folder: Path, repeats: int) -> None:
    snapshot, python = take_snapshot(folder / project.name), python_of(folder)
    tests = ProjectTests(targets=(project.target,), python=python, workers=1)
    started = time.perf_counter()
    await tests.prepare(snapshot)
    print(f"\n{project.name}: {len(tests.baseline.outcomes)} tests,", end=" ")
    print(f"{len(tests.baseline.targets)} of them red targets;", end=" ")
    print(f"prepared in {time.perf_counter() - started:.1f} s, warm: {tests.baseline.warm}")
    try:
        await _time_ways(project, snapshot, python, tests, repeats)
        await _time_stream(project, snapshot, tests)
    finally:
        await tests.aclose()


async def _time_ways(
    project: Project, snapshot: Snapshot, python: Path, tests: ProjectTests, repeats: int
) -> None:
    floor, over = Taken(), Taken()
    names = ("copy + pytest", "copy + bubblewrap + pytest", "whole suite", "mended", "not mended")
    taken = {name: Taken() for name in names}
    good, bad = project.changes(snapshot, 2 * repeats)
    for number in range(repeats):
        change, other = good[2 * number : 2 * number + 2]

        async def whole(change: Change = change) -> None:
            ready = tests._ready
            result: Result = await ready.pool.run(ready.whole(change, stop=True))
            floor.seconds.append(sum(result.seen.durations.values()))

        ways: dict[str, Callable[[], Awaitable[object]]] = {
            "copy + pytest": lambda c=change: _plain(snapshot, python, c, ()),  # type: ignore[misc]
            "copy + bubblewrap + pytest": lambda c=change: _bubble(snapshot, python, c),  # type: ignore[misc]
            "whole suite": whole,
            "mended": lambda c=other: tests.verify(c),  # type: ignore[misc]
            "not mended": lambda b=bad[number]: tests.verify(b),  # type: ignore[misc]
        }
        for name, way in ways.items():
            started = time.perf_counter()
            await way()
            taken[name].seconds.append(time.perf_counter() - started)
        over.seconds.append(taken["whole suite"].seconds[-1] - floor.seconds[-1])
    print(f"  {'floor: the tests themselves':34s} {floor.milliseconds:7.0f} ms")
    ours = taken["whole suite"].milliseconds
    for name, one in taken.items():
        print(f"  {name:34s} {one.milliseconds:7.0f} ms  {one.milliseconds / ours:5.1f} times (c)")
    print(f"  {'(c) over the floor':34s} {over.milliseconds:7.0f} ms (medians of {repeats})")


async def _time_stream(project: Project, snapshot: Snapshot, tests: ProjectTests) -> None:
    """A stream as a run judges it: most are wrong, half are duplicates, targets first, first failure ends."""
    good, bad = project.changes(snapshot, 10_000 + _STREAM)
    stream = [*good[-_GOOD_IN_STREAM:], *bad[-(_STREAM // 2 - _GOOD_IN_STREAM) :]] * 2
    started = time.perf_counter()
    async with anyio.create_task_group() as group:
        for change in stream:
            group.start_soon(tests.verify, change)
    rate = len(stream) / (time.perf_counter() - started)
    print(
        f"  {'candidates a second, one worker':34s} {rate:7.1f} (half of {_STREAM} are duplicates,"
    )
    print(f"  {'':34s}         one in {_STREAM // 2 // _GOOD_IN_STREAM} mends it)")


async def _plain(snapshot: Snapshot, python: Path, change: Change, before: tuple[str, ...]) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch, "copy")
        await anyio.to_thread.run_sync(_copy, snapshot, copy, change)
        words = [word.replace("@", str(copy)) for word in before]
        command = [*words, str(python), "-m", "pytest", "-q"]
        await anyio.run_process(command, cwd=copy, check=False)


async def _bubble(snapshot: Snapshot, python: Path, change: Change) -> None:
    words = ("bwrap", "--unshare-all", "--die-with-parent", "--ro-bind", "/", "/", "--bind", "@")
    more = ("@", "--proc", "/proc", "--dev", "/dev", "--chdir", "@")
    await _plain(snapshot, python, change, (*words, *more))


def _copy(snapshot: Snapshot, target: Path, change: Change) -> None:
    shutil.copytree(snapshot.root, target, ignore=shutil.ignore_patterns("__pycache__"))
    for path, file in change.files.items():
        (target / path).write_bytes(file.after or b"")


if __name__ == "__main__":
    main()
