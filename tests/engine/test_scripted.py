"""ScriptedEngine: what it was told to say, in order."""

from __future__ import annotations

import pytest

from engine import Engine, RequestError, Sample, SampleRequest, ScriptedEngine

pytestmark = pytest.mark.anyio


async def test_scripted_rows_come_in_order_and_stop_at_n() -> None:
    engine = ScriptedEngine(["a", "b", "c"])
    samples = [s async for s in engine.sample(SampleRequest(n=2, seed=5))]
    assert [(s.text, s.index, s.seed) for s in samples] == [("a", 0, 5), ("b", 1, 6)]
    assert engine.num_rows_yielded == 2
    assert isinstance(engine, Engine)


async def test_script_may_depend_on_the_request() -> None:
    engine = ScriptedEngine(lambda request: [Sample(text=str(request.n), index=0, seed=9)])
    assert [s.text async for s in engine.sample(SampleRequest(n=3))] == ["3"]
    assert len(engine.requests) == 1


async def test_no_rows_is_an_error() -> None:
    with pytest.raises(RequestError):
        _ = [s async for s in ScriptedEngine(["a"]).sample(SampleRequest(n=0))]
