"""One run of a tree's suite in a fresh process without network, and what its tests said."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.benchmarks.mutants.killing import can_confine

_RECORDER = Path(__file__).with_name("recorder.py")
_OWN_NETWORK = [
    "unshare",
    "--net",
    "--",
    "sh",
    "-c",
    'ip link set lo up 2>/dev/null; exec "$@"',
    "sh",
]
_MEMORY_BYTES, _WALL_PER_CPU_SECOND = 6 << 30, 10.0


@dataclass(frozen=True, slots=True)
class SuiteRun:
    """Outcomes by test id."""

    outcomes: Mapping[str, str]
    uncollected: tuple[str, ...]
    """Modules that could not be imported."""
    seconds: float
    """Processor seconds."""

    @property
    def passed(self) -> frozenset[str]:
        """The green tests."""
        return frozenset(test for test, outcome in self.outcomes.items() if outcome == "passed")

    @property
    def failed(self) -> frozenset[str]:
        """The red tests."""
        return frozenset(test for test, outcome in self.outcomes.items() if outcome == "failed")


def run_suite(
    python: Path, tree: Path, tests: Sequence[str] = (), *, cpu_seconds: int
) -> SuiteRun | None:
    """Run `tests`, or what the configuration names; None when it takes too long or breaks off."""
    with tempfile.TemporaryDirectory(prefix="suite-") as scratch:
        report = Path(scratch) / "report.json"
        pytest = [
            str(python),
            "-P",
            str(_RECORDER),
            str(report),
            "-q",
            "--continue-on-collection-errors",
            *tests,
        ]
        command = _confined(
            ["prlimit", f"--as={_MEMORY_BYTES}", "--core=0", f"--cpu={cpu_seconds}", *pytest]
        )
        finished = _run(
            command, tree, _environment(python, scratch), _WALL_PER_CPU_SECOND * cpu_seconds
        )
        if not finished or not report.exists():
            return None
        read = json.loads(report.read_text())
    return SuiteRun(read["outcomes"], tuple(read["uncollected"]), read["seconds"])


def _confined(command: list[str]) -> list[str]:
    return [*_OWN_NETWORK, *command] if _has_own_network() else command


@cache
def _has_own_network() -> bool:
    return os.geteuid() == 0 and can_confine()


def _run(command: list[str], tree: Path, environment: Mapping[str, str], seconds: float) -> bool:
    process = subprocess.Popen(
        command,
        cwd=tree,
        env=dict(environment),
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    finally:
        _end_group(process)
    return True


def _end_group(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _environment(python: Path, scratch: str) -> Mapping[str, str]:
    return {
        "PATH": f"{python.parent}:/usr/bin:/bin",
        "HOME": scratch,
        "TMPDIR": scratch,
        "LC_ALL": "C.UTF-8",
        "TERM": "dumb",
        "OMP_NUM_THREADS": "1",
        "PYTHONHASHSEED": "0",
    }
