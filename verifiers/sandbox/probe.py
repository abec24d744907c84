"""Can this machine make a sandbox? Asked once, answered by making one."""

from __future__ import annotations

import sys
import tempfile
from functools import cache
from pathlib import Path

import anyio

from verifiers.errors import SandboxError

from .room import Room, SandboxLimits

_ADVICE = (
    "Linux user namespaces are needed. Ubuntu 24.04: `sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0`;"
    " Docker: `--security-opt seccomp=unconfined --security-opt systempaths=unconfined`."
    " `--isolation unsafe` runs the tests without a sandbox."
)


async def check_namespaces() -> None:
    """Make an empty sandbox and leave it.

    Raises:
        SandboxError: this machine cannot; the message says what failed and what to do.
    """
    if (complaint := _known().get("complaint")) is None:
        complaint = _known()["complaint"] = await _try()
    if complaint:
        raise SandboxError(f"no sandbox on this machine: {complaint}. {_ADVICE}")


@cache
def _known() -> dict[str, str]:
    return {}


async def _try() -> str:
    if sys.platform != "linux":
        return f"{sys.platform} has no namespaces"
    with tempfile.TemporaryDirectory(prefix="winnow-") as folder:
        room = Room(tree=Path(folder), place=folder)
        command = room.command(["/bin/true"], {}, SandboxLimits())
        done = await anyio.run_process(command, check=False)
    return (
        ""
        if done.returncode == 0
        else done.stderr.decode(errors="replace").strip() or "it ended at once"
    )
