"""Control groups with real processes: limits bite, kills are counted, nothing is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from verifiers.sandbox import Group, SandboxLimits, limited, open_group
from verifiers.sandbox.cgroups import hierarchies
from verifiers.sandbox.group import make_group, members_of

from .rooms import run

needs_groups = pytest.mark.skipif(
    hierarchies().kind == "none", reason=f"no control groups: {hierarchies().reason}"
)
MANY_HOLDERS = """
import os, time
for _ in range(4):
    if os.fork() == 0:
        held = bytearray(100 << 20)
        held[::4096] = b"x" * len(held[::4096])
        time.sleep(2)
        os._exit(0)
ends = [os.wait()[1] for _ in range(4)]
print(ends.count(9) > 0)
"""
FORKS = """
import os, time
count = 0
try:
    while count < 999:
        if os.fork() == 0: time.sleep(60)
        count += 1
except OSError as error:
    print(count, type(error).__name__)
"""


@pytest.fixture
def group() -> Iterator[Group]:
    made = open_group(SandboxLimits(memory_bytes=200 << 20, processes=30))
    yield made
    made.close()
    assert not any(folder.exists() for folder in made.folders)


@needs_groups
def test_memory_of_all_processes_together_is_limited_and_named(
    tmp_path: Path, group: Group
) -> None:
    assert group.num_killed_for_memory() == 0
    done = run(tmp_path, MANY_HOLDERS, groups=group.paths)
    assert done.stdout == "True\n", done.stderr
    assert group.num_killed_for_memory() > 0


@needs_groups
def test_the_judged_program_dies_before_those_that_watch_it(tmp_path: Path, group: Group) -> None:
    code = "b = bytearray(400 << 20); b[::4096] = b'x' * len(b[::4096])"
    done = run(tmp_path, code, groups=group.paths)
    assert done.returncode == 128 + signal.SIGKILL, "told by the processes around it"
    assert group.num_killed_for_memory() == 1


@needs_groups
def test_files_in_memory_count(tmp_path: Path, group: Group) -> None:
    code = "for n in range(50): open(f'/tmp/{n}', 'wb').write(b'x' * (8 << 20))"
    limits = SandboxLimits(disk_bytes=1 << 30)
    assert run(tmp_path, code, limits=limits, groups=group.paths).returncode == 128 + 9
    assert group.num_killed_for_memory() > 0


@needs_groups
def test_processes_are_limited_for_root_too(tmp_path: Path, group: Group) -> None:
    count, error = run(tmp_path, FORKS, groups=group.paths).stdout.split()
    assert error == "BlockingIOError"
    assert 20 <= int(count) <= 40


@needs_groups
def test_without_pressure_nothing_is_counted(tmp_path: Path, group: Group) -> None:
    assert run(tmp_path, "print('ok')", groups=group.paths).stdout == "ok\n"
    assert group.num_killed_for_memory() == 0


@needs_groups
async def test_leaving_kills_and_removes() -> None:
    async with limited(SandboxLimits()) as made:
        process = _sleeper(made)
    assert process.wait() == -signal.SIGKILL
    assert not any(folder.exists() for folder in made.folders)


@needs_groups
def test_groups_of_dead_processes_are_swept() -> None:
    code = "from verifiers.sandbox import *; print(*open_group(SandboxLimits()).paths, sep='\\n')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    left = [Path(line) for line in done.stdout.splitlines()]
    assert all(folder.exists() for folder in left)
    process = _sleeper(Group(folders=tuple(left)))
    mine = open_group(SandboxLimits())
    assert process.wait() == -signal.SIGKILL
    assert not any(folder.exists() for folder in left)
    open_group(SandboxLimits()).close()
    assert all(folder.exists() for folder in mine.folders), "who lives keeps its groups"
    mine.close()


def test_a_group_without_folders_does_nothing() -> None:
    group = Group()
    group.kill()
    group.close()
    assert (group.paths, group.num_killed_for_memory()) == ((), 0)


def test_says_why_there_is_none() -> None:
    found = hierarchies()
    assert (found.kind == "none") == (not found.parents) == bool(found.reason)


def test_version_2_kills_all_at_once() -> None:
    """The kernel's own switch, where that hierarchy can be written to, even if it has no controllers."""
    parent = _unified()
    group = make_group((parent,), SandboxLimits())
    processes = [_sleeper(group) for _ in range(3)]
    assert sorted(members_of(group.folders[0])) == sorted(p.pid for p in processes)
    group.kill()
    assert [p.wait() for p in processes] == [-signal.SIGKILL] * 3
    group.close()
    assert not group.folders[0].exists()


def _unified() -> Path:
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        if " - cgroup2 " in line and os.access(line.split()[4], os.W_OK):
            return Path(line.split()[4])
    pytest.skip("no version 2 hierarchy that can be written to")


def _sleeper(group: Group) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(["/bin/sleep", "60"])
    for folder in group.folders:
        (folder / "cgroup.procs").write_text(str(process.pid))
    time.sleep(0.01)
    return process
