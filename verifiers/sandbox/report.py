"""What the sandbox is worth on this machine: found by making one and looking around inside."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio

from verifiers.errors import SandboxError

from .bubblewrap import bubblewrap_program
from .cgroups import Kind, hierarchies, limited
from .owner import own_name
from .probe import namespaces_advice
from .room import TOOLS, Room, SandboxLimits

_HERE = Path(__file__).resolve().parent
_SETTLE_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of the sandbox, for people and programs."""

    name: str
    """In words: `user namespace`."""
    value: bool | int | str
    """Whether it is in force; for some parts its version."""
    in_force: bool
    advice: str
    """What would bring it; empty where it is in force."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What holds for a judged program here. `bubblewrap` is the path of another way in, and no part of the strength."""

    user_namespace: bool = False
    mount_namespace: bool = False
    process_namespace: bool = False
    network_namespace: bool = False
    ipc_namespace: bool = False
    host_name_namespace: bool = False
    overlay: bool = False
    """Writes to the tree go to memory and vanish."""
    private_proc: bool = False
    no_capabilities: bool = False
    no_new_privileges: bool = False
    ordinary_user: bool = False
    landlock: int = 0
    """Version of the file access rules in force; 0 is none."""
    system_call_filter: bool = False
    groups: Kind = "none"
    """Control groups that limit memory and processes."""
    dies_with_parent: bool = False
    bubblewrap: str = ""
    notes: tuple[str, ...] = ()
    """What went wrong while looking."""

    @property
    def missing(self) -> tuple[str, ...]:
        """Names of the parts that are not in force."""
        return tuple(name for name in _FIXES if getattr(self, name) in (False, 0, "none"))

    @property
    def parts(self) -> tuple[Part, ...]:
        """All parts, in force or not."""
        missing = self.missing
        return tuple(
            Part(
                name=_words(name),
                value=getattr(self, name),
                in_force=name not in missing,
                advice=(_FIXES[name] or namespaces_advice()) if name in missing else "",
            )
            for name in _FIXES
        )

    def __str__(self) -> str:
        """One line for people."""
        kept = [
            _words(name) + (f" {value}" if (value := getattr(self, name)) is not True else "")
            for name in _FIXES
            if name not in self.missing
        ]
        lost = ", ".join(map(_words, self.missing)) or "nothing"
        return f"sandbox: {', '.join(kept) or 'none'}; missing: {lost}"


_NAMESPACES = {
    "user_namespace": "user",
    "mount_namespace": "mnt",
    "process_namespace": "pid",
    "network_namespace": "net",
    "ipc_namespace": "ipc",
    "host_name_namespace": "uts",
}
_WITH_NAMESPACES = (
    *_NAMESPACES,
    *("no_capabilities", "no_new_privileges", "ordinary_user", "dies_with_parent"),
)
_FIXES: Mapping[str, str] = dict.fromkeys(_WITH_NAMESPACES, "") | {
    "overlay": "overlay mounts in user namespaces came with Linux 5.11: use that or a newer one",
    "private_proc": "in a container: `--security-opt systempaths=unconfined`",
    "landlock": "use Linux 5.19 or newer with CONFIG_SECURITY_LANDLOCK, and `landlock` in the boot option `lsm=`",
    "system_call_filter": "use x86_64 or aarch64, and a kernel with CONFIG_SECCOMP_FILTER",
    "groups": "`systemd-run --user --scope -p Delegate=yes COMMAND` gives winnow a control group of its own",
}
"""Part -> what brings it; empty where it comes with user namespaces."""


async def examine(*, strict: bool = False) -> Report:
    """Make a sandbox and see what is in force. Takes some tenths of a second.

    Raises:
        SandboxError: with `strict`, when a part is missing: the message names it and what to do.
    """
    report = await _look()
    if strict and report.missing:
        raise SandboxError(_complaint(report))
    return report


async def _look() -> Report:
    if sys.platform != "linux":
        return Report(notes=(_without_namespaces(sys.platform),))
    found = await anyio.to_thread.run_sync(hierarchies)
    facts: dict[str, Any] = {"groups": found.kind, "bubblewrap": bubblewrap_program()}
    notes = [f"no control groups: {found.reason}"] if found.reason else []
    try:
        facts |= await _facts()
        facts["dies_with_parent"] = await _dies_with_parent()
    except (SandboxError, OSError) as error:
        notes.append(str(error))
    return Report(**facts, notes=tuple(notes))


def _without_namespaces(platform: str) -> str:
    """What is weaker on systems other than Linux."""
    return (
        f"{platform} has no namespaces: only `--isolation unsafe` runs there, with limits on time and output. The tests then run "
        "with your rights, on your files and with your network, and each run starts a new Python, which is slower"
    )


async def _facts() -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix=own_name()) as folder:
        room = _room(folder)
        async with limited(SandboxLimits()) as group:
            program = [room.python, "-I", "-S", f"{TOOLS}/{_HERE.name}/looking.py"]
            command = room.command(program, {}, SandboxLimits(), groups=group.paths)
            done = await anyio.run_process(command, check=False, env={})
        leaked = os.listdir(folder)
    if done.returncode != 0:
        raise SandboxError(done.stderr.decode(errors="replace").strip() or "it ended at once")
    seen = json.loads(done.stdout)
    inside = seen.pop("namespaces")
    separate = {
        name: inside[kind] != os.readlink(f"/proc/self/ns/{kind}")
        for name, kind in _NAMESPACES.items()
    }
    return {**separate, "overlay": seen.pop("wrote_tree") and not leaked, **seen}


async def _dies_with_parent() -> bool:
    """Kill the parent of a sandbox, and see whether all that hold its output are gone."""
    with tempfile.TemporaryDirectory(prefix=own_name()) as folder:
        inside = ["/bin/sh", "-c", f"echo up; exec sleep {_SETTLE_SECONDS:.0f}"]
        words = _room(folder).command(inside, {}, SandboxLimits())
        words[words.index(str(os.getpid()))] = "@PARENT@"
        line = shlex.join(words).replace("@PARENT@", "$$")
        async with await anyio.open_process(
            ["/bin/sh", "-c", f"{line}; :"], stderr=subprocess.DEVNULL, env={}
        ) as parent:
            started = anyio.current_time()
            assert parent.stdout is not None
            async for _ in parent.stdout:
                parent.kill()
            return anyio.current_time() - started < _SETTLE_SECONDS


def _room(folder: str) -> Room:
    shown = (sys.prefix, sys.base_prefix)
    return Room(tree=Path(folder), place=folder, shown=shown, tools=(_HERE,))


def _complaint(report: Report) -> str:
    fixes = [f"{_words(name)}: {_FIXES[name]}" for name in report.missing if _FIXES[name]]
    if any(not _FIXES[name] for name in report.missing):
        fixes.append(namespaces_advice())
    said = "; ".join([*map(_words, report.missing), *report.notes])
    return (
        f"the sandbox is not complete on this machine; missing: {said}. To do: {'; '.join(fixes)}"
    )


def _words(name: str) -> str:
    return name.replace("_", " ")
