"""Watching one run from outside: both channels are read with a bound, the clock is ours, and what overruns is killed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import anyio

from verifiers.errors import SandboxError

from .channel import Channel
from .limits import RunLimits
from .observations import printable, read_observations
from .runs import Result, Stop

_TAIL_CHARS = 4_000
_SETUP_FAILED = 125
_GRACE_SECONDS = 15.0
_PAUSE_SECONDS = 0.01
"""Between two looks at a channel: to be woken by every line would cost more than to read them. The end waits for no look."""


@dataclass(slots=True, kw_only=True)
class Watch:
    """One run that is under way.

    Args:
        report: what the observer says.
        output: what the tests print.
        ended: waits for the exit status.
        kill: ends the run.
        nonce: the word that the observer's lines carry.
    """

    report: Channel
    output: Channel
    limits: RunLimits
    ended: Callable[[], Awaitable[int]]
    kill: Callable[[], Awaitable[None]]
    nonce: str
    stopped: Stop = ""

    async def result(self) -> Result:
        """Wait for the end.

        Raises:
            SandboxError: the sandbox was not entered, or what was killed does not end.
        """
        started = anyio.current_time()
        status = await self._wait()
        seconds = anyio.current_time() - started
        for channel in (self.report, self.output):
            channel.drain()
        data, printed = self.report.take(), self.output.take()
        tail = printable(printed[-_TAIL_CHARS:].decode("utf-8", "replace"))
        if status == _SETUP_FAILED and not data and not self.stopped:
            raise SandboxError(f"the sandbox could not be entered: {tail.strip()}")
        seen = read_observations(data, self.nonce)
        return Result(seen=seen, stopped=self.stopped, status=status, seconds=seconds, tail=tail)

    async def _wait(self) -> int:
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(self._read, self.report)
                group.start_soon(self._read, self.output)
                group.start_soon(self._limit_time)
                status = await self.ended()
                group.cancel_scope.cancel()
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None
        return status

    async def _read(self, channel: Channel) -> None:
        while await channel.receive():
            if len(channel.received) > self.limits.output_bytes:
                await self._stop("flood")
            await anyio.sleep(_PAUSE_SECONDS)

    async def _limit_time(self) -> None:
        await anyio.sleep(self.limits.seconds)
        await self._stop("timeout")

    async def _stop(self, reason: Stop) -> None:
        if self.stopped:
            await anyio.sleep_forever()
        self.stopped = reason
        await self.kill()
        await anyio.sleep(_GRACE_SECONDS)
        raise SandboxError(
            f"a run was killed ({reason}) but did not end: is the machine out of memory?"
        )
