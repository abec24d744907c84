"""One run of the tests: what is asked, what came back, and how it is watched from outside."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import anyio

from verifiers.errors import SandboxError

from .channel import Channel
from .limits import RunLimits
from .observations import Observations, printable, read_observations

Stop: TypeAlias = Literal["", "timeout", "flood"]
_TAIL_CHARS = 4_000
_SETUP_FAILED = 125
_TIMEOUT_SIGNALS = (128 + 24,)
_CRASH = 128
_GRACE_SECONDS = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What one run of the tests is asked."""

    limits: RunLimits
    files: Mapping[str, bytes | None] = field(default_factory=dict)
    """Path -> content after the change; None deletes."""
    tests: Sequence[str] = ()
    """Ids to run; empty means the whole suite, as the project configures it."""
    first: Sequence[str] = ()
    """Ids that run before all others."""
    stop: bool = False
    """End at the first failure of a test that is not in `may_fail`."""
    may_fail: Sequence[str] = ()
    arguments: Sequence[str] = ()
    """Further arguments of pytest."""
    trace: Mapping[str, object] | None = None
    modules: bool = False

    def options(self, nonce: str, *, quit_early: bool) -> dict[str, object]:
        """What the observer is told; with `quit_early` the process ends with the last test, without a summary."""
        return {
            "nonce": nonce,
            "first": list(self.first),
            "stop": self.stop,
            "may_fail": list(self.may_fail),
            "test_seconds": self.limits.test_seconds,
            "trace": self.trace,
            "modules": self.modules,
            "quit": quit_early,
        }

    def message(self, nonce: str) -> dict[str, Any]:
        """The request as a server takes it."""
        files = {
            p: None if c is None else base64.b64encode(c).decode() for p, c in self.files.items()
        }
        return {
            "files": files,
            "arguments": [*self.arguments, *self.tests],
            "cpu_seconds": self.limits.cpu_seconds,
            "options": self.options(nonce, quit_early=True),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What one run showed."""

    seen: Observations
    stopped: Stop
    """Why it was killed from outside, if it was."""
    status: int
    """Exit status; 128 + signal for a killed process."""
    seconds: float
    tail: str
    """The last of what was printed."""

    @property
    def crashed(self) -> bool:
        """True when it ended by a signal, or without saying that it ended."""
        return (
            not self.stopped
            and not self.timed_out
            and (self.status >= _CRASH or self.seen.end is None)
        )

    @property
    def timed_out(self) -> bool:
        """True when wall or processor time ran out."""
        return self.stopped == "timeout" or self.status in _TIMEOUT_SIGNALS


def new_nonce() -> str:
    """A word that the judged code does not know."""
    return secrets.token_hex(12)


async def watch(
    report: Channel,
    output: Channel,
    limits: RunLimits,
    ended: Callable[[], Awaitable[int]],
    kill: Callable[[], Awaitable[None]],
    nonce: str,
) -> Result:
    """Read both channels until `ended` gives the exit status; `kill` is called when time or bytes run out."""
    started = anyio.current_time()
    stopped: list[Stop] = []

    async def stop(reason: Stop) -> None:
        if not stopped:
            stopped.append(reason)
            await kill()
            await anyio.sleep(_GRACE_SECONDS)
            raise SandboxError(
                f"a run was killed ({reason}) but did not end: is the machine out of memory?"
            )

    async def read(channel: Channel) -> None:
        while await channel.receive():
            if len(channel.received) > limits.output_bytes:
                await stop("flood")
                return

    async def tick() -> None:
        await anyio.sleep(limits.seconds)
        await stop("timeout")

    status = _SETUP_FAILED
    try:
        async with anyio.create_task_group() as group:
            group.start_soon(read, report)
            group.start_soon(read, output)
            group.start_soon(tick)
            status = await ended()
            group.cancel_scope.cancel()
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
    report.drain()
    output.drain()
    tail = printable(bytes(output.received[-_TAIL_CHARS:]).decode("utf-8", "replace"))
    if status == _SETUP_FAILED and not report.received and not stopped:
        raise SandboxError(f"the sandbox could not be entered: {tail.strip()}")
    seen = read_observations(bytes(report.received), nonce)
    report.received.clear()
    output.received.clear()
    seconds = anyio.current_time() - started
    return Result(
        seen=seen, stopped=stopped[0] if stopped else "", status=status, seconds=seconds, tail=tail
    )
