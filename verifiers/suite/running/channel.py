"""Sockets to a process inside the sandbox: read with a bound, never blocking, never trusted."""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass, field
from typing import Any

import anyio

_CHUNK = 1 << 18


@dataclass(slots=True)
class Channel:
    """Our end of a socket pair; `theirs` is passed to the process and closed here afterwards."""

    ours: socket.socket
    theirs: socket.socket
    received: bytearray = field(default_factory=bytearray)

    @classmethod
    def open(cls) -> Channel:
        """A fresh pair; our end does not block."""
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        return cls(ours, theirs)

    async def receive(self) -> bool:
        """Wait for bytes and keep them; False at the end of the stream."""
        while True:
            await anyio.wait_readable(self.ours)
            if (size := self._receive_some()) >= 0:
                return size > 0

    def drain(self) -> None:
        """Take what has arrived already."""
        while self._receive_some() > 0:
            pass

    async def receive_line(self) -> dict[str, Any] | None:
        """The next line as JSON; None at the end of the stream."""
        while b"\n" not in self.received:
            if not await self.receive():
                return None
        line, _, rest = bytes(self.received).partition(b"\n")
        self.received[:] = rest
        answer = json.loads(line)
        return answer if isinstance(answer, dict) else None

    async def send(self, message: object) -> None:
        """Send one line of JSON.

        Raises:
            OSError: the other end is closed.
        """
        rest = memoryview(json.dumps(message).encode() + b"\n")
        while rest:
            await anyio.wait_writable(self.ours)
            rest = rest[self.ours.send(rest) :]

    def take(self) -> bytes:
        """Everything that was received since the last call."""
        taken = bytes(self.received)
        self.received.clear()
        return taken

    def close(self) -> None:
        """Close both ends."""
        self.ours.close()
        self.theirs.close()

    def _receive_some(self) -> int:
        try:
            chunk = self.ours.recv(_CHUNK)
        except BlockingIOError:
            return -1
        except ConnectionResetError:
            return 0
        self.received += chunk
        return len(chunk)
