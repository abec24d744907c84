"""A room made by the `bwrap` program instead of our own launcher, for machines that let only that program make namespaces.

It has to start a program, so it cannot be entered by a server that forks: every run is a cold one.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
from collections.abc import Mapping, Sequence

from .room import TOOLS, Room, SandboxLimits

_HERE = os.path.dirname(os.path.abspath(__file__))
_SELF = f"{TOOLS}/{os.path.basename(_HERE)}"
_ORDINARY = 1000


def bubblewrap_command(
    room: Room,
    command: Sequence[str],
    environment: Mapping[str, str],
    limits: SandboxLimits,
    *,
    groups: Sequence[str] = (),
) -> list[str]:
    """The command line that runs `command` in `room` with the tree writable: it should be a private copy.

    It has to be started with an empty environment: bwrap's own `--clearenv` leaves the old one readable in /proc.
    """
    spec = {
        "limits": limits.rlimits(),
        "confine": True,
        "folder": room.place,
        "environment": dict(environment),
    }
    inner = [room.python, "-I", "-S", f"{_SELF}/confined.py", json.dumps(spec), *command]
    return [*_joining(groups), *_bwrap(room, limits), "--", *inner]


def bubblewrap_program() -> str:
    """The path of `bwrap`; empty where it is not installed."""
    return shutil.which("bwrap") or ""


def _bwrap(room: Room, limits: SandboxLimits) -> list[str]:
    size = ["--size", str(limits.disk_bytes), "--tmpfs"]
    uid, gid = os.geteuid() or _ORDINARY, os.getegid() or _ORDINARY
    return [
        bubblewrap_program(),
        *("--unshare-user", "--unshare-all", "--die-with-parent", "--new-session"),
        *("--uid", str(uid), "--gid", str(gid), "--cap-drop", "ALL"),
        *("--proc", "/proc", "--dev", "/dev", *size, "/dev/shm", *size, "/tmp"),
        *_flat("--symlink", [[target, link] for link, target in room.links()]),
        *_flat("--ro-bind", room.binds()),
        *("--ro-bind", _HERE, _SELF),
        *("--bind", str(room.tree), room.place),
        *_flat("--ro-bind", [[path, path] for path in room.keep_in_tree]),
        *("--remount-ro", "/", "--chdir", room.place),
    ]


def _flat(option: str, pairs: list[list[str]]) -> list[str]:
    return [word for pair in pairs for word in (option, *pair)]


def _joining(groups: Sequence[str]) -> list[str]:
    """The start of a command line that enters control groups first."""
    if not groups:
        return []
    lines = [f"echo 0 > {shlex.quote(path)}/cgroup.procs || exit 125" for path in groups]
    return ["/bin/sh", "-c", "; ".join([*lines, 'exec "$@"']), "sh"]
