from __future__ import annotations

import anyio
import pytest

from agent.deferred import DeferredEngine
from agent.errors import ConfigError
from agent.plugins import find_engine, make_verifier
from engine import Engine, LoadError, SampleRequest, ScriptedEngine

pytestmark = pytest.mark.anyio


class Maker:
    """Counts how often it was called."""

    def __init__(self) -> None:
        self.count = 0

    async def __call__(self) -> Engine:
        self.count += 1
        await anyio.sleep(0.01)
        return ScriptedEngine(["a", "b"])


async def texts(engine: Engine) -> list[str]:
    return [sample.text async for sample in engine.sample(SampleRequest(n=2))]


async def test_nothing_is_made_until_it_is_needed() -> None:
    maker = Maker()
    engine = DeferredEngine("late", maker)
    assert (engine.info.name, engine.info.model) == ("late", "")
    await engine.aclose()
    assert maker.count == 0
    assert await texts(engine) == ["a", "b"]
    assert engine.info.name == "scripted"
    assert isinstance(engine, Engine)


async def test_it_is_made_once_however_many_ask() -> None:
    maker = Maker()
    engine = DeferredEngine("late", maker)
    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(engine.load)
        assert await texts(engine) == ["a", "b"]
    assert maker.count == 1


async def test_what_cannot_be_made_says_so() -> None:
    async def broken() -> Engine:
        raise LoadError("no weights")

    engine = DeferredEngine("late", broken)
    with pytest.raises(LoadError, match="no weights"):
        await texts(engine)


async def test_names_of_the_command_line() -> None:
    assert (await make_verifier("complexity")).name == "complexity"
    assert callable(find_engine("embedded"))
    with pytest.raises(ConfigError, match="known: embedded"):
        find_engine("none")
    with pytest.raises(ConfigError, match="known: complexity"):
        await make_verifier("none")
