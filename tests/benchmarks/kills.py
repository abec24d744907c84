"""SIGKILL to a process that judges a change, at random moments of each phase: what stays, and what the next start removes.

`python -m tests.benchmarks.kills --kills 200` prints a table. Every process that the killed one started, however deep, becomes
a child of this one, so that none can hide.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import cycle, islice, pairwise
from pathlib import Path

import anyio

from tests.verifiers.suite.projects import CALC, FIXED, TESTS, change_of, write_project
from verifiers import ProjectTests, SandboxLimits, SuiteLimits, take_snapshot
from verifiers.sandbox import kernel, open_group, sweep_scratch
from verifiers.sandbox.cgroups import hierarchies
from verifiers.sandbox.owner import stale_in

PHASES = ("prepare", "verify", "seal", "confirm")
_SETTLE_SECONDS = 20.0
_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, kw_only=True)
class Left:
    """What one killed process left: once its processes had time to end, and after the next start."""

    processes: int
    mounts: int
    groups: int
    folders: int
    groups_later: int
    folders_later: int
    seconds: float
    """Until nothing was there any more."""

    @property
    def is_something(self) -> bool:
        """True when something stays that no next start removes."""
        return bool(self.processes or self.mounts or self.groups_later or self.folders_later)


def kill_at(phase: str, moment: float, folder: Path) -> Left:
    """Kill a judge `moment` seconds after it began with `phase`; `folder` is empty and becomes its temporary folder."""
    kernel.adopt_orphans()
    scratch = folder / "tmp"
    scratch.mkdir()
    root = write_project(folder / "project", {"calc.py": CALC, "test_calc.py": TESTS})
    with judge_at(phase, root, scratch) as judge:
        time.sleep(moment)
        judge.send_signal(signal.SIGKILL)
        judge.wait()
    started = time.monotonic()
    _soon(lambda: not _orphans() and not _folders(scratch) and not _stale_groups())
    seconds, left = time.monotonic() - started, (len(_stale_groups()), len(_folders(scratch)))
    _next_start(scratch)
    return Left(
        seconds=seconds,
        processes=len(_orphans()),
        mounts=Path("/proc/self/mountinfo").read_text().count(str(root)),
        groups=left[0],
        folders=left[1],
        groups_later=len(_stale_groups()),
        folders_later=len(_folders(scratch)),
    )


@contextmanager
def judge_at(phase: str, root: Path, scratch: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that judges changes of the project at `root`, once it has said that `phase` begins."""
    judge = subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.kills", "--judge", str(root)],
        stdout=subprocess.PIPE,
        cwd=_ROOT,
        env={**os.environ, "TMPDIR": str(scratch), "PYTHONPATH": str(_ROOT)},
    )
    with judge:
        assert judge.stdout is not None
        for line in judge.stdout:
            if line == phase.encode() + b"\n":
                break
        try:
            yield judge
        finally:
            judge.kill()


async def _judge(root: Path) -> None:
    """Prepare, verify, seal and confirm, saying so; then the last three again with other changes."""
    tests = ProjectTests(limits=SuiteLimits(startup_seconds=60), cache=False)
    snapshot = take_snapshot(root)
    print("prepare", flush=True)
    await tests.prepare(snapshot)
    for number in range(10_000):
        change = change_of(snapshot, {"calc.py": FIXED + f"# {number}\n"})
        for phase in (tests.verify, tests.seal, tests.confirm):
            print(phase.__name__, flush=True)
            assert (await phase(change)).passed


def _orphans() -> list[int]:
    """Processes that came to us; those that have ended are let go."""
    while True:
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                break
        except ChildProcessError:
            break
    tasks = Path("/proc/self/task").glob("*/children")
    return [int(pid) for file in tasks for pid in file.read_text().split()]


def _stale_groups() -> list[Path]:
    return [path for parent in hierarchies().parents for path in stale_in(parent)]


def _folders(scratch: Path) -> list[Path]:
    return list(scratch.iterdir())


def _next_start(scratch: Path) -> None:
    before, tempfile.tempdir = tempfile.tempdir, str(scratch)
    try:
        open_group(SandboxLimits()).close()
        sweep_scratch()
    finally:
        tempfile.tempdir = before


def _soon(wanted: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _SETTLE_SECONDS
    while not wanted() and time.monotonic() < deadline:
        time.sleep(0.02)


def _longest(folder: Path) -> dict[str, float]:
    """Seconds of each phase, from a judge that is not killed before it comes round again."""
    began: list[tuple[str, float]] = []
    root = write_project(folder / "project", {"calc.py": CALC, "test_calc.py": TESTS})
    (folder / "tmp").mkdir()
    with judge_at("prepare", root, folder / "tmp") as judge:
        began.append(("prepare", time.monotonic()))
        assert judge.stdout is not None
        lines = islice(judge.stdout, len(PHASES))
        began += [(line.decode().strip(), time.monotonic()) for line in lines]
        judge.kill()
    _soon(lambda: not _orphans())
    return {p: after - at for (p, at), (_, after) in pairwise(began)}


def _row(name: str, rows: list[Left]) -> str:
    sums = [
        sum(getattr(row, column) for row in rows)
        for column in ("processes", "mounts", "groups", "folders", "groups_later", "folders_later")
    ]
    slowest = max((row.seconds for row in rows), default=0.0)
    return f"{name:8} {len(rows):5} " + " ".join(f"{n:9}" for n in sums) + f" {slowest:9.2f}"


def main() -> None:
    """Kill as often as was asked, the phases in turn, and print a row for each."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.kills", description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--judge", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.judge:
        anyio.run(_judge, options.judge)
        return
    chance, rows = random.Random(options.seed), {phase: list[Left]() for phase in PHASES}
    with tempfile.TemporaryDirectory() as folder:
        kernel.adopt_orphans()
        longest = _longest(Path(folder))
    print("seconds of a phase: " + ", ".join(f"{p} {s:.2f}" for p, s in longest.items()))
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt):  # what was seen until then is shown
        for phase in islice(cycle(PHASES), options.kills):
            with tempfile.TemporaryDirectory() as folder:
                moment = chance.uniform(0, longest[phase])
                rows[phase].append(kill_at(phase, moment, Path(folder)))
            print(f"\r{sum(map(len, rows.values()))}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    print(f"seed {options.seed}; left {_SETTLE_SECONDS:.0f} s after the kill; after the next start")
    print("phase    kills processes    mounts    groups   folders  g. later  f. later   seconds")
    for name, kills in {**rows, "all": [row for some in rows.values() for row in some]}.items():
        print(_row(name, kills))
    if any(row.is_something for kills in rows.values() for row in kills):
        raise SystemExit("something is left after the next start")


if __name__ == "__main__":
    main()
