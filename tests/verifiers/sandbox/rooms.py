"""Rooms to try things in, as this user and as an ordinary one; and what to look for afterwards."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from verifiers.sandbox import Room, SandboxLimits

LIMITS = SandboxLimits(memory_bytes=1 << 30, cpu_seconds=20, disk_bytes=8 << 20, file_bytes=4 << 20)
_ORDINARY = 1000


@dataclass(frozen=True)
class User:
    """Somebody who makes sandboxes."""

    name: str
    start: tuple[str, ...]
    """What goes before a command line to run it as this user."""
    python: str
    prefixes: tuple[str, ...]

    def room(self, tree: Path, shown: Sequence[str] = ()) -> Room:
        return Room(tree=tree, place=str(tree), shown=(*self.prefixes, *shown), python=self.python)

    def started(self, command: Sequence[str]) -> list[str]:
        """The command line of a room, as this user starts it."""
        return [*self.start, self.python, *command[1:]]


def run(
    tree: Path,
    code: str,
    *,
    user: User | None = None,
    limits: SandboxLimits = LIMITS,
    writable: str = "overlay",
    shown: Sequence[str] = (),
    groups: Sequence[str] = (),
) -> subprocess.CompletedProcess[str]:
    """Run Python code in a room."""
    user = user or this_user()
    command = user.room(tree, shown).command(
        [user.python, "-I", "-S", "-c", code],
        {"SEEN": "1"},
        limits,
        writable=writable,
        groups=groups,
    )
    return subprocess.run(
        user.started(command), capture_output=True, text=True, timeout=120, check=False, env={}
    )


def this_user() -> User:
    return User("this user", (), sys.executable, (sys.prefix, sys.base_prefix))


def ordinary_user() -> User:
    """User 1000, where this one may become somebody else."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    if not shutil.which("setpriv"):
        pytest.skip("there is no setpriv")
    python = _python_for_all()
    if not python:
        pytest.skip("there is no Python that an ordinary user may start")
    return User("ordinary user", _become(), python, (str(Path(python).parent.parent),))


USERS: dict[str, Callable[[], User]] = {"this-user": this_user, "ordinary-user": ordinary_user}


def open_folder() -> Path:
    """A folder that everybody may write to, on the way to which everybody may pass."""
    folder = Path(tempfile.mkdtemp(prefix="winnow-test-"))
    folder.chmod(0o777)
    return folder


def processes_with(mark: str) -> list[str]:
    """Processes with the mark in their command line, or in what is mounted for them."""
    return [
        folder.name
        for folder in Path("/proc").iterdir()
        if folder.name.isdigit()
        and folder.name != str(os.getpid())
        and any(mark.encode() in _bytes(folder / name) for name in ("cmdline", "mountinfo"))
    ]


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _become() -> tuple[str, ...]:
    number = str(_ORDINARY)
    return ("setpriv", "--reuid", number, "--regid", number, "--clear-groups")


@cache
def _python_for_all() -> str:
    launcher = str(Path(sys.modules[Room.__module__].__file__ or "").parent / "launcher.py")
    for python in (os.path.realpath(sys.executable), "/usr/bin/python3"):
        code = f"import os, sys; os.stat(sys.executable); open({launcher!r})"
        command = [*_become(), python, "-c", code]
        if subprocess.run(command, capture_output=True, check=False).returncode == 0:
            return python
    return ""
