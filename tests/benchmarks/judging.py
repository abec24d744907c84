"""Seconds per candidate: the warm, sandboxed test runner beside a copy of the tree and `python -m pytest`.

Both judge the same changes of an example repository, interleaved.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import anyio

from verifiers import Change, FileChange, ProjectTests, take_snapshot

_REPOSITORY = Path(__file__).parents[2] / "examples" / "repositories" / "slots"
_FILE = "slots/calendar.py"
_REPEATS = 9


def main() -> None:
    """Print medians and their ratio."""
    anyio.run(_compare)


async def _compare() -> None:
    snapshot = take_snapshot(_REPOSITORY)
    tests = ProjectTests(workers=1)
    await tests.prepare(snapshot)
    ours, plain = [], []
    for number in range(_REPEATS):
        before = snapshot.read(_FILE)
        after = before + f"\n# {number}\n".encode()
        started = time.perf_counter()
        await tests.verify(Change(files={_FILE: FileChange(before=before, after=after)}))
        ours.append(time.perf_counter() - started)
        started = time.perf_counter()
        await anyio.to_thread.run_sync(_naive, after)
        plain.append(time.perf_counter() - started)
    await tests.aclose()
    ratio = statistics.median(plain) / statistics.median(ours)
    print(f"a red candidate of {_REPOSITORY.name}, medians of {_REPEATS}, interleaved")
    print(f"winnow, sandboxed        {1000 * statistics.median(ours):6.0f} ms")
    print(
        f"copy + python -m pytest  {1000 * statistics.median(plain):6.0f} ms   {ratio:.1f} times as long"
    )


def _naive(after: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "copy")
        shutil.copytree(_REPOSITORY, copy)
        (copy / _FILE).write_bytes(after)
        subprocess.run(
            [sys.executable, "-m", "pytest", "-q"], cwd=copy, capture_output=True, check=False
        )


if __name__ == "__main__":
    main()
