"""The ways into a sandbox, by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol, TypeAlias

from .bubblewrap import bubblewrap_command
from .room import Room, SandboxLimits

Isolation: TypeAlias = Literal["namespaces", "bubblewrap", "unsafe"]
"""`namespaces` are made by winnow itself, `bubblewrap` needs the program `bwrap`, `unsafe` is no sandbox."""


class Backend(Protocol):
    """Makes the command line that runs a command in a room; it is to be started with an empty environment.

    Writes to the room's tree stay. `groups` are folders of control groups to join.
    """

    def __call__(
        self,
        room: Room,
        command: Sequence[str],
        environment: Mapping[str, str],
        limits: SandboxLimits,
        *,
        groups: Sequence[str] = (),
    ) -> list[str]:
        """The command line."""


def namespaces_command(
    room: Room,
    command: Sequence[str],
    environment: Mapping[str, str],
    limits: SandboxLimits,
    *,
    groups: Sequence[str] = (),
) -> list[str]:
    """The command line that runs `command` in `room`, by our own launcher."""
    return room.command(command, environment, limits, writable="through", groups=groups)


BACKENDS: dict[Isolation, Backend] = {
    "namespaces": namespaces_command,
    "bubblewrap": bubblewrap_command,
}
"""All but `unsafe`."""
