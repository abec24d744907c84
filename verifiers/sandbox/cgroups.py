"""Control groups: the kernel's limits on the memory and the number of all processes of a run together.

A group belongs to a server or to a cold run, not to every run of a server: to move a process into a group takes the kernel
milliseconds, and what the server forks is in the group for nothing. Groups are made below the one that this process is in,
so that limits from further up go on to hold.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, TypeAlias

import anyio

from .group import Group, make_group, members_of
from .owner import own_name
from .room import SandboxLimits

Kind: TypeAlias = Literal["v2", "v1", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hierarchies:
    """Where groups can be made on this machine."""

    kind: Kind
    parents: tuple[Path, ...] = ()
    """One folder (v2), or those of the memory and the pids controller (v1)."""
    reason: str = ""
    """Why there is none."""


@asynccontextmanager
async def limited(limits: SandboxLimits) -> AsyncIterator[Group]:
    """A group for as long as the block lasts."""
    group = await anyio.to_thread.run_sync(open_group, limits)
    try:
        yield group
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(group.close)


def open_group(limits: SandboxLimits) -> Group:
    """A new group for one server or one cold run; the caller closes it. It does nothing where the machine has no groups."""
    found = hierarchies()
    try:
        return make_group(found.parents, limits)
    except OSError:  # it worked when it was tried; resource limits hold without it
        return Group()


@cache
def hierarchies() -> Hierarchies:
    """What this machine has, found by making a group and a process in it; asked once."""
    complaints = []
    for kind, find in _WAYS.items():
        try:
            found = Hierarchies(kind=kind, parents=find())
            _try_out(found)
        except OSError as error:
            complaints.append(f"{kind}: {error.strerror} ({error.filename})")
        except LookupError as error:
            complaints.append(f"{kind}: {error.args[0]}")
        else:
            return found
    return Hierarchies(kind="none", reason="; ".join(complaints))


def _try_out(found: Hierarchies) -> None:
    group = make_group(found.parents, SandboxLimits())
    try:
        for folder in group.folders:
            child = os.posix_spawn(
                "/bin/sh",
                ["sh", "-c", 'echo 0 > "$1/cgroup.procs"', "sh", str(folder)],
                {},
                file_actions=[(os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0)],
            )
            if os.waitpid(child, 0)[1] != 0:
                raise LookupError(f"no process may be moved into {folder.parent}")
    finally:
        group.close()


def _parents_v2() -> tuple[Path, ...]:
    """The own group, made ready to have limited children: it must hold nothing but this process, which moves down."""
    own = _mount_point("cgroup2") / _memberships().get("", "/").lstrip("/")
    wanted = {"memory", "pids"}
    available = set((own / "cgroup.controllers").read_text().split())
    if missing := sorted(wanted - available):
        raise LookupError(f"{' and '.join(missing)} not delegated to {own}")
    if not wanted <= set((own / "cgroup.subtree_control").read_text().split()):
        _move_down(own)
        (own / "cgroup.subtree_control").write_text("+memory +pids")
    return (own,)


def _move_down(own: Path) -> None:
    if not (own / "cgroup.type").exists():
        return  # the root may hold processes and have limited children
    members = set(members_of(own))
    if members - {os.getpid()}:
        raise LookupError(f"{own} holds other processes")
    if members:
        below = own / own_name("self")
        below.mkdir(exist_ok=True)
        (below / "cgroup.procs").write_text(str(os.getpid()))


def _parents_v1() -> tuple[Path, ...]:
    memberships = _memberships()
    parents = []
    for controller in ("memory", "pids"):
        if controller not in memberships:
            raise LookupError(f"no {controller} controller")
        own = _mount_point("cgroup", controller) / memberships[controller].lstrip("/")
        parents.append(own)
    return tuple(parents)


_WAYS: dict[Kind, Callable[[], tuple[Path, ...]]] = {"v2": _parents_v2, "v1": _parents_v1}


def _memberships() -> dict[str, str]:
    """Controller -> path of the own group; the key of version 2 is empty."""
    found: dict[str, str] = {}
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        found |= dict.fromkeys(controllers.split(","), path)
    return found


def _mount_point(kind: str, controller: str = "") -> Path:
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        before, _, after = line.partition(" - ")
        root, place = before.split()[3:5]
        found, _, options = after.split(maxsplit=2)
        if found == kind and root == "/" and (not controller or controller in options.split(",")):
            return Path(place)
    raise LookupError(f"no file system of type {kind} is mounted")
