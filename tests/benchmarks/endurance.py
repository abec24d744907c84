"""Many verifications in one process: what grows? And many at once: does memory follow the workers or the candidates?

`python -m tests.benchmarks.endurance --runs 2000` verifies changes of six kinds in turn and prints what this process holds.
`python -m tests.benchmarks.endurance --at-once 256` verifies that many at the same time with two workers, and prints the peak.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import astuple, dataclass, fields
from itertools import cycle, islice
from pathlib import Path

import anyio

from tests.verifiers.suite.projects import CALC, FIXED, TESTS, change_of, write_project
from verifiers import Change, ProjectTests, SandboxLimits, Snapshot, SuiteLimits, take_snapshot
from verifiers.sandbox import own_name
from verifiers.sandbox.cgroups import hierarchies

_BODY = "    total = 0\n"
_OFTEN = (FIXED, CALC, FIXED.replace("value * 2", "value * 3"), FIXED.replace("def double", "def"))
_FIND = """\
    _OPEN = [n for n in map(int, os.listdir("/proc/self/fd")) if n > 2 and os.path.exists(f"/proc/self/fd/{n}")]
    _OPEN = [n for n in _OPEN if os.readlink(f"/proc/self/fd/{n}").startswith("socket")]
"""
_RARELY = tuple(
    FIXED.replace(_BODY, f"    import os, signal\n{_FIND}    {line}\n")
    for line in (
        "os.kill(os.getpid(), signal.SIGSEGV)",
        "os.kill(os.getpid(), signal.SIGKILL)",
        "while True: pass",
        "while True: [os.write(n, bytes(1 << 16)) for n in _OPEN]",
        "held = bytearray(1 << 31)",
    )
)
_STAYING = FIXED.replace(_BODY, f"    import os, signal\n    os.fork() or signal.pause()\n{_BODY}")
TEXTS = tuple(text for rare in (*_RARELY, _STAYING) for text in (*_OFTEN, *_OFTEN, rare))
"""Right ones, wrong ones, one that does not parse; now and then a crash, a kill, an endless loop, a flood, too much memory,
a process that stays."""
LIMITS = SuiteLimits(
    test_seconds=1,
    output_bytes=1 << 20,
    sandbox=SandboxLimits(memory_bytes=1 << 30, processes=64),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What a process holds at one moment."""

    memory_kb: int
    """Resident, of this process."""
    children_kb: int
    """Resident, of all below it; what they share is counted in each."""
    descriptors: int
    threads: int
    children: int
    """All below it."""
    groups: int
    folders: int

    @classmethod
    def now(cls) -> Held:
        """What this process holds now."""
        below = _below(os.getpid())
        return cls(
            memory_kb=_resident_kb(os.getpid()),
            children_kb=sum(map(_resident_kb, below)),
            descriptors=len(os.listdir("/proc/self/fd")),
            threads=len(os.listdir("/proc/self/task")),
            children=len(below),
            groups=sum(1 for p in hierarchies().parents for _ in p.glob(f"{own_name()}*")),
            folders=sum(1 for _ in Path(tempfile.gettempdir()).glob(f"{own_name()}*")),
        )


_NAMES = [field.name for field in fields(Held)]


@asynccontextmanager
async def prepared(workers: int) -> AsyncIterator[tuple[ProjectTests, Snapshot]]:
    """A verifier of a small project."""
    with tempfile.TemporaryDirectory() as folder:
        root = write_project(Path(folder), {"calc.py": CALC, "test_calc.py": TESTS})
        snapshot = take_snapshot(root)
        tests = ProjectTests(limits=LIMITS, workers=workers, cache=False)
        await tests.prepare(snapshot)
        try:
            yield tests, snapshot
        finally:
            await tests.aclose()


async def endure(runs: int, every: int, tell: Callable[[int, Held], None]) -> Counter[str]:
    """Verify `runs` changes, one after another; what is held is told after each `every` of them."""
    outcomes: Counter[str] = Counter()
    async with prepared(workers=1) as (tests, snapshot):
        for number, change in enumerate(_changes(snapshot, runs), 1):
            outcomes[(await tests.verify(change)).outcome] += 1
            if number % every == 0:
                tell(number, Held.now())
    return outcomes


async def at_once(candidates: int, workers: int) -> tuple[Held, Held]:
    """Verify right changes all at the same time; the largest of each number, and what is held in the end."""
    seen = [Held.now()]
    async with prepared(workers) as (tests, snapshot), anyio.create_task_group() as watching:

        async def look() -> None:
            while True:
                seen.append(Held.now())
                await anyio.sleep(0.02)

        watching.start_soon(look)
        async with anyio.create_task_group() as group:
            for number in range(candidates):
                change = change_of(snapshot, {"calc.py": f"{FIXED}# {number}\n"})
                group.start_soon(tests.verify, change)
        watching.cancel_scope.cancel()
        peak = Held(**{n: max(getattr(held, n) for held in seen) for n in _NAMES})
        return peak, Held.now()
    raise AssertionError("unreachable: nothing here swallows errors")


def _changes(snapshot: Snapshot, runs: int) -> list[Change]:
    texts = islice(cycle(TEXTS), runs)
    return [change_of(snapshot, {"calc.py": f"{text}# {n}\n"}) for n, text in enumerate(texts)]


def _below(pid: int) -> list[int]:
    try:
        tasks = [file.read_text() for file in Path(f"/proc/{pid}/task").glob("*/children")]
    except OSError:
        return []
    direct = [int(child) for text in tasks for child in text.split()]
    return direct + [deeper for child in direct for deeper in _below(child)]


def _resident_kb(pid: int) -> int:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * resource.getpagesize() // 1024


def _endurance(runs: int, every: int) -> None:
    seen: dict[int, Held] = {}

    def tell(number: int, held: Held) -> None:
        seen[number] = held
        _print_row(str(number), held)

    _print_head("runs")
    outcomes = anyio.run(endure, runs, every, tell)
    early = seen[2 * every] if 2 * every in seen else seen[every]
    difference = [
        late - soon for late, soon in zip(astuple(seen[max(seen)]), astuple(early), strict=True)
    ]
    print(
        f"{'since':8}" + "".join(f"{n:+14}" for n in difference),
        f" (run {2 * every} to {max(seen)})",
    )
    print("outcomes: " + ", ".join(f"{name} {n}" for name, n in outcomes.most_common()))


def _print_head(first: str) -> None:
    print(f"{first:8}" + "".join(f"{name:>14}" for name in _NAMES), flush=True)


def _print_row(first: str, held: Held) -> None:
    print(f"{first:8}" + "".join(f"{n:14}" for n in astuple(held)), flush=True)


def main() -> None:
    """Do what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.endurance")
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--every", type=int, default=200)
    parser.add_argument("--at-once", type=int, default=0)
    options = parser.parse_args()
    if not options.at_once:
        _endurance(options.runs, options.every)
        return
    _print_head("")
    for name, held in zip(("peak", "after"), anyio.run(at_once, options.at_once, 2), strict=True):
        _print_row(name, held)


if __name__ == "__main__":
    main()
