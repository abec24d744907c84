"""What a judged program can see and use: the description of one sandbox, made outside and never changed inside."""

from __future__ import annotations

import base64
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_HERE = Path(__file__).resolve().parent
_SYSTEM = ("/usr", "/etc", "/opt", "/bin", "/sbin", "/lib", "/lib32", "/lib64")
_SCRATCH, _COMPILED = "/.winnow/scratch", "/.winnow/compiled"
TOOLS = "/.winnow/tools"
"""Where the folders of `Room.tools` appear."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxLimits:
    """What one judged process tree may use; 0 means no limit of that kind."""

    memory_bytes: int = 4 << 30
    """Address space of each process; and what all processes together hold, where the machine has control groups."""
    cpu_seconds: int = 0
    disk_bytes: int = 512 << 20
    """Of the tree's writable layer, and of /tmp."""
    file_bytes: int = 256 << 20
    processes: int = 512
    """Not enforced for root where the machine has no control groups."""

    def rlimits(self) -> dict[str, int]:
        """Arguments of `kernel.set_limits`."""
        return {
            "memory_bytes": self.memory_bytes,
            "cpu_seconds": self.cpu_seconds,
            "file_bytes": self.file_bytes,
            "processes": self.processes,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """One file system view: the tree at the place it has outside, the interpreter, the system; nothing else.

    There is no home, no network but loopback, no other process, and nothing writable but the tree's upper layer, /tmp and
    /dev/shm, all of which are memory and vanish.
    """

    tree: Path
    """The folder, outside, that holds the tree to show."""
    place: str
    """The path at which the tree appears inside."""
    shown: tuple[str, ...] = ()
    """Further folders that are visible at their own path, read-only: the interpreter and its packages."""
    tools: tuple[Path, ...] = ()
    """Folders that appear below `TOOLS` under their own name."""
    python: str = sys.executable
    """An interpreter that is visible inside."""

    def command(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        limits: SandboxLimits,
        *,
        writable: str = "overlay",
        files: Path | None = None,
        compiled: Path | None = None,
        groups: Sequence[str] = (),
        confine: bool = True,
    ) -> list[str]:
        """The command line that runs `command` in this room.

        `writable` says what becomes of writes to the tree: "overlay" (they vanish), "through" (they stay), "no".
        `files` is a file outside, made by `written`, with what the tree shows in other places than it holds outside; it goes
        with "overlay" only, as does `compiled`, a folder outside that takes the compiled files that were written to the tree.
        `groups` are control groups to join. Without `confine` the command may make sandboxes of its own.
        """
        tree = [[str(self.tree), self.place, writable == "through"]]
        taking = [[str(compiled), _COMPILED, True]] if compiled else []
        outer = [[*pair, False] for pair in self.binds()]
        inner = [[path, path, False] for path in self.keep_in_tree]
        spec = {
            "mounts": [*outer, *tree, *inner, *taking],
            "links": self.links(),
            "folders": [_SCRATCH],
            "overlay": self.place if writable == "overlay" else "",
            "files": str(files or ""),
            "compiled": _COMPILED if compiled else "",
            "scratch": _SCRATCH,
            "keep": self.keep_in_tree,
            "disk_bytes": limits.disk_bytes,
            "limits": limits.rlimits(),
            "groups": list(groups),
            "confine": confine,
            "folder": self.place,
            "environment": dict(environment),
        }
        launcher = str(_HERE / "launcher.py")
        return [sys.executable, "-I", "-S", launcher, json.dumps(spec), str(os.getpid()), *command]

    def nested(self, limits: SandboxLimits) -> dict[str, object]:
        """What a process inside needs to make a fresh copy of this room around itself."""
        outer = [target for _, target in self.binds() if _is_below(target, "/tmp")]
        if _is_below(self.place, "/tmp"):
            outer.append(self.place)
        return {
            "tree": self.place,
            "scratch": _SCRATCH,
            "keep_in_temporary": outer,
            "keep_in_tree": self.keep_in_tree,
            "disk_bytes": limits.disk_bytes,
            "limits": limits.rlimits(),
        }

    @property
    def keep_in_tree(self) -> list[str]:
        """Shown folders that lie inside the tree: an environment in `.venv`."""
        return [path for path in self._outermost() if _is_below(path, self.place)]

    def prepare_mount_points(self) -> None:
        """Make empty folders in the tree for what is shown inside of it."""
        for path in self.keep_in_tree:
            (self.tree / os.path.relpath(path, self.place)).mkdir(parents=True, exist_ok=True)

    def binds(self) -> list[list[str]]:
        """What is visible, read-only, besides the tree: where it is outside, and where inside."""
        system = [
            [path, path] for path in _SYSTEM if os.path.isdir(path) and not os.path.islink(path)
        ]
        others = [[p, p] for p in self._outermost() if not _is_below(p, self.place)]
        tools = [[str(folder), f"{TOOLS}/{folder.name}"] for folder in self.tools]
        return [*system, *[pair for pair in others if not _in_system(pair[0])], *tools]

    def links(self) -> list[list[str]]:
        """Links of the root folder, and where they point."""
        return [[path, os.readlink(path)] for path in _SYSTEM if os.path.islink(path)]

    def _outermost(self) -> list[str]:
        """The shown folders, without those that lie in another one of them."""
        paths = sorted({os.path.abspath(path) for path in self.shown if os.path.isdir(path)})
        kept: list[str] = []
        for path in paths:
            if not any(_is_below(path, other) for other in kept):
                kept.append(path)
        return kept


def written(files: Mapping[str, bytes | None], path: Path) -> Path:
    """Write a change of a tree to a file at `path`, for `Room.command`: relative path -> content, None deletes."""
    encoded = {p: None if c is None else base64.b64encode(c).decode() for p, c in files.items()}
    path.write_text(json.dumps(encoded))
    return path


def _is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _in_system(path: str) -> bool:
    return any(_is_below(path, folder) for folder in _SYSTEM)
