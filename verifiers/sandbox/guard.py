"""A small process that waits for the end of this one, however it comes, and removes what was left on disk.

Processes and mounts end with their parent by the kernel's doing; folders and empty control groups do not. What even this
process cannot remove, because it was killed too, the next start sweeps (`owner.py`).
"""

from __future__ import annotations

import os
import tempfile
from functools import cache

from .cgroups import hierarchies
from .owner import own_name

_SHELL = "/bin/sh"
_SCRIPT = """
cd /
scratch=$1
shift
read -r nothing
tries=0
while [ $tries -lt 100 ]; do
    left=no
    rm -rf -- "$scratch"*
    for group in "$@"; do rmdir -- "$group"*; done
    for path in "$scratch" "$@"; do
        for found in "$path"*; do if [ -e "$found" ]; then left=yes; fi; done
    done
    if [ $left = no ]; then exit; fi
    tries=$((tries + 1))
    sleep 0.1
done
"""
"""Processes that are about to end may still write: what is there is removed until nothing is."""


def guard_scratch() -> None:
    """Start the guard of this process, once. It holds no channel, no folder and no group of ours."""
    _start(os.getpid())


@cache
def _start(_pid: int) -> int:
    """The writing end of a pipe that nobody writes to: the guard sees it close when this process ends."""
    scratch = os.path.join(tempfile.gettempdir(), own_name())
    groups = [str(parent / own_name()) for parent in hierarchies().parents]
    reading, writing = os.pipe()
    try:
        _spawn([_SHELL, "-c", _SCRIPT, "winnow-guard", scratch, *groups], reading)
    finally:
        os.close(reading)
    return writing


def _spawn(command: list[str], standard_input: int) -> None:
    os.posix_spawn(
        _SHELL,
        command,
        {"PATH": "/usr/bin:/bin"},
        setsid=True,
        file_actions=[
            (os.POSIX_SPAWN_DUP2, standard_input, 0),
            (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
            (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
        ],
    )
