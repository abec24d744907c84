"""One control group: made with limits, joined by processes, asked how it went, and removed with all that is in it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from .owner import own_name, stale_in
from .room import SandboxLimits

_OWN_PROCESSES = 8
"""Of the server and the processes that wait around a run; they come on top of what the run may have."""
_REMOVAL_SECONDS, _PAUSE_SECONDS = 2.0, 0.01
_numbers = count()


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One group; without folders it limits nothing, counts nothing and kills nothing."""

    folders: tuple[Path, ...] = ()

    @property
    def paths(self) -> tuple[str, ...]:
        """What a process has to join, each by `kernel.join_group`."""
        return tuple(map(str, self.folders))

    def num_killed_for_memory(self) -> int:
        """How many of its processes the kernel has ended for want of memory, since the group was made."""
        return sum(_events(folder).get("oom_kill", 0) for folder in self.folders)

    def kill(self) -> None:
        """SIGKILL to all processes of the group; what they fork meanwhile is killed too."""
        for folder in self.folders:
            if (switch := folder / "cgroup.kill").exists():
                switch.write_text("1")
                continue
            for _ in _until_deadline():
                if not (members := members_of(folder)):
                    break
                for pid in members:
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)

    def close(self) -> None:
        """Kill what is left and remove the group. A group that does not go away is swept at a later start."""
        with suppress(OSError):
            self.kill()
        for folder in self.folders:
            for _ in _until_deadline():
                if _removed(folder):
                    break


def make_group(parents: tuple[Path, ...], limits: SandboxLimits) -> Group:
    """An empty group below each of `parents`, after those that dead processes left there have been removed.

    Raises:
        OSError: the kernel refuses.
    """
    for parent in parents:
        _sweep(parent)
    name = own_name(next(_numbers))
    group = Group(folders=tuple(parent / name for parent in parents))
    try:
        for folder in group.folders:
            folder.mkdir()
            _set_limits(folder, limits)
    except OSError:
        group.close()
        raise
    return group


def _set_limits(folder: Path, limits: SandboxLimits) -> None:
    processes = limits.processes + _OWN_PROCESSES if limits.processes else 0
    wanted = {
        "memory.max": limits.memory_bytes,
        "memory.limit_in_bytes": limits.memory_bytes,
        "memory.memsw.limit_in_bytes": limits.memory_bytes,
        "pids.max": processes,
    }
    for name, value in wanted.items():
        if value and (folder / name).exists():
            (folder / name).write_text(str(value))
    if limits.memory_bytes and (folder / "memory.swap.max").exists():
        (folder / "memory.swap.max").write_text("0")


def _events(folder: Path) -> dict[str, int]:
    """Counters of version 2 and of version 1."""
    for name in ("memory.events", "memory.oom_control"):
        with suppress(OSError):
            lines = (folder / name).read_text().splitlines()
            return {key: int(value) for key, value in map(str.split, lines)}
    return {}


def members_of(folder: Path) -> list[int]:
    """Ids of the processes in a group. 0 stands for those of other process namespaces, which cannot be named."""
    try:
        return [int(pid) for pid in (folder / "cgroup.procs").read_text().split() if pid != "0"]
    except FileNotFoundError:
        return []


def _sweep(parent: Path) -> None:
    """Remove the groups of owners that are dead."""
    for folder in stale_in(parent):
        Group(folders=(folder,)).close()


def _removed(folder: Path) -> bool:
    try:
        folder.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def _until_deadline() -> Iterator[None]:
    deadline = time.monotonic() + _REMOVAL_SECONDS
    while time.monotonic() < deadline:
        yield
        time.sleep(_PAUSE_SECONDS)
