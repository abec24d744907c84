"""Warm runs whose crashes are not believed at once: what dies on a server that forks runs once more from nothing."""

from __future__ import annotations

from dataclasses import replace

import anyio

from verifiers.sandbox import SandboxLimits

from .cold import run_cold
from .pool import SuitePool
from .runs import Request, Result
from .site import Site

_BY_SIGNAL = 128


class SteadyPool:
    """Runs requests on the servers of a pool. A library that does not survive a fork is no fault of a change."""

    def __init__(self, pool: SuitePool, site: Site, sandbox: SandboxLimits) -> None:
        self._pool, self._site, self._sandbox = pool, site, sandbox
        self._limiter = anyio.CapacityLimiter(1)

    async def run(self, request: Request) -> Result:
        """One run of the tests. One that a signal ended on a warm server is made again, cold, and that one counts.

        Raises:
            SandboxError: the sandbox cannot be entered.
        """
        result = await self._pool.run(request)
        if not self._pool.warm or not _was_ended_by_signal(result):
            return result
        async with self._limiter:
            again = await run_cold(self._site, request, self._sandbox, hash_seed=0)
        signal = result.status - _BY_SIGNAL
        said = f"signal {signal} ended a run on a warm server; it was made again from nothing"
        return replace(again, attempts=(said,))

    async def aclose(self) -> None:
        """End all servers."""
        await self._pool.aclose()


def _was_ended_by_signal(result: Result) -> bool:
    return result.crashed and not result.out_of_memory and result.status > _BY_SIGNAL
