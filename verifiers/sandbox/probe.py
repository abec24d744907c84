"""Can this machine make a sandbox? Asked once, answered by making one."""

from __future__ import annotations

import os
import sys
import tempfile
from functools import cache
from pathlib import Path

import anyio

from verifiers.errors import SandboxError

from .backends import BACKENDS, Isolation
from .bubblewrap import bubblewrap_program
from .owner import own_name
from .room import Room, SandboxLimits

_APPARMOR = (
    "AppArmor forbids user namespaces. Either allow them to all programs with"
    " `sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0`, and with that line in"
    " /etc/sysctl.d/60-winnow.conf to keep it, or to this Python only:"
)
_UNSAFE = "`--isolation unsafe` runs the tests without a sandbox."


async def check_isolation(isolation: Isolation) -> None:
    """Make an empty sandbox of this kind and leave it.

    Raises:
        SandboxError: this machine cannot; the message says what failed and what to do.
    """
    if isolation == "unsafe":
        return
    if (complaint := _known().get(isolation)) is None:
        complaint = _known()[isolation] = await _try(isolation)
    if complaint:
        raise SandboxError(
            f"no sandbox on this machine: {complaint}. {namespaces_advice()} {_UNSAFE}"
        )


async def check_namespaces() -> None:
    """`check_isolation` of the default.

    Raises:
        SandboxError: this machine cannot; the message says what failed and what to do.
    """
    await check_isolation("namespaces")


def namespaces_advice() -> str:
    """What lets an ordinary user make namespaces on this machine, as exactly as its settings tell."""
    if sys.platform != "linux":
        return "Run winnow on Linux, or in a Linux virtual machine."
    found = [advice for path, bad, advice in _settings() if _reads(path, bad)]
    if _is_filtered():
        found.append(
            "In a container: start it with `--security-opt seccomp=unconfined"
            " --security-opt systempaths=unconfined`."
        )
    return " ".join(found) or "Linux user namespaces are needed."


def apparmor_profile(program: str) -> str:
    """The AppArmor profile that lets one program, and no other, make user namespaces (Ubuntu 23.10 and later)."""
    return (
        "abi <abi/4.0>,\n"
        "include <tunables/global>\n"
        f'profile winnow "{program}" flags=(unconfined) {{\n'
        "  userns,\n"
        "  include if exists <local/winnow>\n"
        "}\n"
    )


def apparmor_commands(program: str) -> str:
    """What to type to put that profile in force."""
    profile = apparmor_profile(program)
    write = f"sudo tee /etc/apparmor.d/winnow <<'END'\n{profile}END\n"
    return write + "sudo apparmor_parser -r /etc/apparmor.d/winnow\n"


def _settings() -> list[tuple[str, str, str]]:
    """Files of settings, the value that forbids namespaces, and what to do."""
    program = os.path.realpath(sys.executable)
    return [
        (
            "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
            "1",
            f"{_APPARMOR}\n{apparmor_commands(program)}",
        ),
        (
            "/proc/sys/kernel/unprivileged_userns_clone",
            "0",
            "`sudo sysctl -w kernel.unprivileged_userns_clone=1` allows user namespaces.",
        ),
        (
            "/proc/sys/user/max_user_namespaces",
            "0",
            "`sudo sysctl -w user.max_user_namespaces=10000` allows user namespaces.",
        ),
    ]


def _reads(path: str, value: str) -> bool:
    try:
        return Path(path).read_text().strip() == value
    except OSError:
        return False


def _is_filtered() -> bool:
    """True when this process is under a system call filter itself, as in a container."""
    return "Seccomp:\t2" in Path("/proc/self/status").read_text()


@cache
def _known() -> dict[Isolation, str]:
    return {}


async def _try(isolation: Isolation) -> str:
    if sys.platform != "linux":
        return f"{sys.platform} has no namespaces"
    if isolation == "bubblewrap" and not bubblewrap_program():
        return "there is no program bwrap: install the package bubblewrap"
    with tempfile.TemporaryDirectory(prefix=own_name()) as folder:
        room = Room(tree=Path(folder), place=folder, shown=(sys.prefix, sys.base_prefix))
        command = BACKENDS[isolation](room, ["/bin/true"], {}, SandboxLimits())
        done = await anyio.run_process(command, check=False, env={})
    said = done.stderr.decode(errors="replace").strip()
    return "" if done.returncode == 0 else said or f"it ended at once ({done.returncode})"
