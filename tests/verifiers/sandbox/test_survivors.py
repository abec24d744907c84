"""SIGKILL to winnow at any moment leaves no process and no mount, and what it leaves on disk goes at the next start."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from verifiers.sandbox import SandboxLimits, open_group, own_name, sweep_scratch
from verifiers.sandbox.cgroups import hierarchies
from verifiers.sandbox.owner import stale_in

from .rooms import processes_with

RUN_ONE = """
import os, sys, subprocess, tempfile
from pathlib import Path
from verifiers.sandbox import Room, SandboxLimits, open_group, own_name
print("ready", flush=True)
code = "import os, time; os.fork(); os.fork() or os.setsid(); open('x', 'w'); time.sleep(300)"
while True:
    with tempfile.TemporaryDirectory(prefix=own_name()) as folder:
        tree = folder + "/" + sys.argv[1]
        os.mkdir(tree)
        room = Room(tree=Path(tree), place=tree, shown=(sys.prefix, sys.base_prefix))
        group = open_group(SandboxLimits())
        command = room.command([sys.executable, "-c", code, sys.argv[1]], {}, SandboxLimits(), groups=group.paths)
        try:
            subprocess.run(command, timeout=0.25)
        except subprocess.TimeoutExpired:
            pass
        group.close()
"""
ROOT = str(Path(__file__).parents[3])


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A temporary folder of its own: what is swept, is swept there."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.mark.parametrize("seed", range(20))
def test_of_a_single_run(scratch: Path, seed: int) -> None:
    mark = f"winnow-orphan-{os.getpid()}-{seed}"
    _kill_at(random.Random(seed).uniform(0, 0.6), RUN_ONE, mark, scratch)
    _nothing_is_left(mark, scratch)


def test_of_a_whole_verifier_in_each_phase() -> None:
    """Nothing is there any more, and not only at the next start. `--kills 200` is the benchmark."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.kills", "--kills", "8", "--seed", "3"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    *_, total = done.stdout.splitlines()
    assert total.split()[:-1] == ["all", "8", *["0"] * 6]


def test_what_a_guard_could_not_remove_goes_at_the_next_start(scratch: Path) -> None:
    left = scratch / f"winnow-{os.stat('/proc/self/ns/pid').st_ino}-{2**22 + 1}-1-left"
    (left / "tree").mkdir(parents=True)
    mine = Path(tempfile.mkdtemp(prefix=own_name()))
    sweep_scratch()
    assert list(scratch.iterdir()) == [mine]


def _kill_at(seconds: float, code: str, argument: str, scratch: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", code, argument],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(scratch), "PYTHONPATH": ROOT},
    )
    assert parent.stdout is not None
    assert parent.stdout.readline() == b"ready\n"
    time.sleep(seconds)
    parent.send_signal(signal.SIGKILL)
    parent.communicate()


def _nothing_is_left(mark: str, scratch: Path) -> None:
    assert _soon(lambda: not processes_with(mark)), processes_with(mark)
    assert mark not in Path("/proc/self/mountinfo").read_text()
    open_group(SandboxLimits()).close()
    assert not [path for parent in hierarchies().parents for path in stale_in(parent)]
    sweep_scratch()
    assert list(scratch.iterdir()) == []


def _soon(wanted: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 30
    while not wanted() and time.monotonic() < deadline:
        time.sleep(0.05)
    return wanted()
