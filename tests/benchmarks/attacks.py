"""Changes that leave the bug in and try to pass: what `python -m pytest` in a copy says of them, and what winnow says.

`python -m tests.benchmarks.attacks`. The attacks are those of `tests/verifiers/suite/attacks`. Those that would hurt the
machine, or write where they must not, are not run without a sandbox: `n/a`.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

import anyio

from tests.verifiers.suite.attacks import FAKE_PASSES, SIDE_EFFECTS, SPECIAL_CASING, Attack
from tests.verifiers.suite.projects import CALC, TESTS, change_of, write_project
from verifiers import ProjectTests, SandboxLimits, Snapshot, SuiteLimits, take_snapshot

_SECONDS = 30
_LIMITS = SuiteLimits(
    test_seconds=2,
    startup_seconds=10,
    output_bytes=1 << 20,
    sandbox=SandboxLimits(memory_bytes=1 << 30, disk_bytes=32 << 20, file_bytes=16 << 20),
)
_NOWHERE = {"@PORT@": "9", "@OUTSIDE@": "/nowhere", "@MARK@": "winnow-mark", "@PID@": "4194304"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One attack, judged twice."""

    attack: Attack
    plain: str
    """`accepted`, `refused` or `n/a`: by the exit status of a plain run."""
    word: str
    """What winnow says; `confirmed` is its acceptance."""


def main() -> None:
    """Print a line for each attack, then the sums."""
    anyio.run(_judge_all)


async def _judge_all() -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = write_project(Path(folder, "calc"), {"calc.py": CALC, "test_calc.py": TESTS})
        tests, snapshot = ProjectTests(limits=_LIMITS), take_snapshot(root)
        await tests.prepare(snapshot)
        rows = []
        for attack in (*FAKE_PASSES, *SIDE_EFFECTS, *SPECIAL_CASING):
            rows.append(await _judge(tests, snapshot, attack.filled(_NOWHERE)))
            _print_row(rows[-1])
        await tests.aclose()
    _print_sums(rows)


async def _judge(tests: ProjectTests, snapshot: Snapshot, attack: Attack) -> Row:
    change = change_of(snapshot, dict(attack.files))
    verdict = await tests.verify(change)
    word = verdict.outcome
    if verdict.passed:
        verdict = await tests.confirm(change)
        word = "confirmed" if verdict.passed else f"{verdict.level}: {verdict.outcome}"
    plain = await anyio.to_thread.run_sync(_plain_word, snapshot.root, attack)
    return Row(attack=attack, plain=plain, word=word)


def _plain_word(root: Path, attack: Attack) -> str:
    if not attack.harmless or attack.kind == "paths":
        return "n/a"
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "copy")
        shutil.copytree(root, copy)
        for path, text in attack.files.items():
            (copy / path).unlink(missing_ok=True)
            if text is not None:
                write_project(copy, {path: text})
        return "accepted" if _passes(copy) else "refused"


def _passes(folder: Path) -> bool:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, check=False, timeout=_SECONDS
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def _print_row(row: Row) -> None:
    print(f"{row.attack.name:28} {row.attack.kind:15} {row.plain:9} {row.word}", flush=True)


def _print_sums(rows: list[Row]) -> None:
    kinds: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        kinds[row.attack.kind].append(row)
    print(f"\n{'class':15} {'attacks':>7} {'plain pytest accepts':>22} {'winnow confirms':>16}")
    for kind, some in (*kinds.items(), ("all", rows)):
        plain = Counter(row.plain for row in some)
        accepted = f"{plain['accepted']} of {len(some) - plain['n/a']}"
        confirmed = sum(row.word == "confirmed" for row in some)
        print(f"{kind:15} {len(some):7} {accepted:>22} {confirmed:16}")


if __name__ == "__main__":
    main()
