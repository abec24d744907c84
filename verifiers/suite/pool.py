"""As many test servers as may run at once; one that is in doubt is thrown away."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio

from verifiers.errors import SandboxError
from verifiers.sandbox import SandboxLimits

from .cold import run_cold
from .runs import Request, Result
from .server import SuiteServer
from .site import Site

_RUNS_PER_SERVER = 1_000


class SuitePool:
    """Runs requests on warm servers, or cold where no server can be had."""

    def __init__(
        self, site: Site, sandbox: SandboxLimits, preload: tuple[str, ...], workers: int
    ) -> None:
        self.warm = site.isolation != "bubblewrap"  # it starts programs, it cannot be forked into
        self._site, self._sandbox, self._preload = site, sandbox, preload
        self._limiter = anyio.CapacityLimiter(workers)
        self._idle: list[tuple[SuiteServer, int]] = []

    async def run(self, request: Request) -> Result:
        """One run of the tests, when a place is free.

        Raises:
            SandboxError: the sandbox cannot be entered.
        """
        async with self._limiter:
            if not self.warm:
                return await run_cold(self._site, request, self._sandbox, hash_seed=0)
            async with self._server() as server:
                return await server.run(request)

    async def aclose(self) -> None:
        """End all servers."""
        while self._idle:
            await self._idle.pop()[0].aclose()

    @asynccontextmanager
    async def _server(self) -> AsyncIterator[SuiteServer]:
        server, runs = self._idle.pop() if self._idle else (await self._start(), 0)
        try:
            yield server
        finally:
            if server.healthy and runs < _RUNS_PER_SERVER:
                self._idle.append((server, runs + 1))
            else:
                await server.aclose()

    async def _start(self) -> SuiteServer:
        try:
            return await SuiteServer.start(self._site, self._sandbox, self._preload)
        except SandboxError:
            if not self._preload:
                raise
            self._preload = ()  # something among the imports starts threads: go without
            return await SuiteServer.start(self._site, self._sandbox, ())
