"""An engine that is made when it is first needed: who has nothing to ask loads no model."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import anyio

from engine import Engine, EngineInfo, Sample, SampleRequest


class DeferredEngine:
    """Stands for an engine that `make` gives.

    Args:
        name: of the engine, for a run that ends before it is made.
        make: makes it; called at most once.
    """

    def __init__(self, name: str, make: Callable[[], Awaitable[Engine]]) -> None:
        self._name = name
        self._make = make
        self._lock = anyio.Lock()
        self._engine: Engine | None = None

    @property
    def info(self) -> EngineInfo:
        """Of the engine; before it is made, its name alone."""
        if self._engine is None:
            return EngineInfo(name=self._name, model="")
        return self._engine.info

    async def load(self) -> Engine:
        """The engine, made now unless it is there.

        Raises:
            EngineError: it cannot be loaded.
        """
        async with self._lock:
            if self._engine is None:
                self._engine = await self._make()
            return self._engine

    async def sample(self, request: SampleRequest) -> AsyncIterator[Sample]:
        """What the engine answers.

        Raises:
            EngineError: it cannot be loaded, or refuses the request.
        """
        engine = await self.load()
        async for sample in engine.sample(request):
            yield sample

    async def aclose(self) -> None:
        """Close the engine, if it was made."""
        if self._engine is not None:
            await self._engine.aclose()
