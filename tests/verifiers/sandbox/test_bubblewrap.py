"""The other way in, by the program bwrap: the same refusals, the same outcomes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.verifiers.suite.projects import CALC, FIXED, TESTS, change_of, write_project
from verifiers import ProjectTests, SuiteLimits, take_snapshot
from verifiers.sandbox import BACKENDS, check_isolation, limited

from .rooms import LIMITS, processes_with, this_user
from .test_room import REFUSED, SETUP, WORKS

pytestmark = pytest.mark.skipif(not shutil.which("bwrap"), reason="bwrap is not installed")


def enter(tree: Path, code: str, groups: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    room = this_user().room(tree)
    command = BACKENDS["bubblewrap"](
        room, [sys.executable, "-I", "-S", "-c", code], {"SEEN": "1"}, LIMITS, groups=groups
    )
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env={})


async def test_this_machine_can() -> None:
    await check_isolation("bubblewrap")


@pytest.mark.parametrize("name", sorted(set(REFUSED) - {"big-file", "full-disk"}))
def test_is_refused(tmp_path: Path, name: str) -> None:
    done = enter(tmp_path, SETUP + f"os.environ['OUTSIDE'] = '{os.getpid()}'\n" + REFUSED[name])
    assert done.returncode != 0
    assert any(word in done.stderr for word in ("Error", "error")), done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", WORKS)
def test_what_suites_need_works(tmp_path: Path, name: str) -> None:
    code = "import os, socket, subprocess, threading, time\n" + WORKS[name] + "\nprint('ok')"
    assert enter(tmp_path, code).stdout == "ok\n"


def test_no_environment_can_be_read(tmp_path: Path) -> None:
    code = "import os; print(sorted(os.environ)); print(open('/proc/self/environ').read())"
    names, own = enter(tmp_path, code).stdout.splitlines()
    assert names in ("['SEEN']", "['LC_CTYPE', 'SEEN']")
    assert own == "SEEN=1\0"


async def test_it_joins_groups(tmp_path: Path) -> None:
    async with limited(LIMITS) as group:
        code = "print(open('/proc/self/cgroup').read())"
        assert enter(tmp_path, code, group.paths).returncode == 0
        assert enter(tmp_path, code, ("/nowhere",)).returncode == 125


def test_a_daemon_dies_with_the_run(tmp_path: Path) -> None:
    mark = f"winnow-wrapped-{os.getpid()}"
    daemon = f"os.setsid(); os.execv('/bin/sh', ['{mark}', '-c', 'sleep 100'])"
    code = f"import os, time\nif os.fork() == 0:\n    {daemon}\ntime.sleep(0.3)"
    assert enter(tmp_path, code).returncode == 0
    assert not processes_with(mark)


async def test_the_same_verdicts(tmp_path: Path) -> None:
    root = write_project(tmp_path, {"calc.py": CALC, "test_calc.py": TESTS})
    limits = SuiteLimits(startup_seconds=60)
    tests, snapshot = ProjectTests(isolation="bubblewrap", limits=limits), take_snapshot(root)
    await tests.prepare(snapshot)
    assert (await tests.verify(change_of(snapshot, {"calc.py": FIXED}))).passed
    assert not (await tests.verify(change_of(snapshot, {"calc.py": CALC + "# no\n"}))).passed
    await tests.aclose()
    assert take_snapshot(tmp_path).digest == snapshot.digest
