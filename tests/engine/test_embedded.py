"""EmbeddedEngine: samples and ranked streams over a tiny random network, and the shipped weights."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import anyio
import pytest
import torch

from engine import (
    Canvas,
    ContextError,
    Engine,
    LoadError,
    Passage,
    Pinned,
    RequestError,
    Sample,
    SampleRequest,
    Slot,
)
from engine.base import Source
from engine.embedded import EmbeddedEngine
from engine.loading import WEIGHTS, LoadedModel, load_model
from tests.engine.conftest import MEDIAN, passage_of

pytestmark = pytest.mark.anyio
_ALL: tuple[Source, ...] = ("sampled", "infilled", "enumerated")


@pytest.fixture
async def engine(model: LoadedModel) -> AsyncIterator[EmbeddedEngine]:
    engine = EmbeddedEngine(model)
    yield engine
    await engine.aclose()


async def _collect(engine: Engine, request: SampleRequest) -> list[Sample]:
    return [sample async for sample in engine.sample(request)]


async def test_every_row_is_yielded_once_with_its_seed(engine: EmbeddedEngine) -> None:
    samples = await _collect(engine, SampleRequest(n=17, seed=40, passage=passage_of(MEDIAN)))
    assert sorted(s.index for s in samples) == list(range(17))
    assert all(s.seed == 40 + s.index and s.source == "sampled" for s in samples)


async def test_a_row_is_the_same_alone_and_in_a_batch(engine: EmbeddedEngine) -> None:
    together = await _collect(engine, SampleRequest(n=12, seed=7, passage=passage_of(MEDIAN)))
    texts = {s.seed: s.text for s in together}
    for seed in (7, 10, 18):
        (alone,) = await _collect(engine, SampleRequest(n=1, seed=seed, passage=passage_of(MEDIAN)))
        assert alone.text == texts[seed]


async def test_ranked_stream_is_distinct_ordered_and_labelled(engine: EmbeddedEngine) -> None:
    request = SampleRequest(n=5000, passage=passage_of(MEDIAN), sources=_ALL)
    samples = await _collect(engine, request)
    assert len({s.text for s in samples}) == len(samples) > 50
    assert [s.score for s in samples] == sorted((s.score for s in samples), reverse=True)
    assert "enumerated" in {s.source for s in samples}


async def test_ranked_stream_holds_the_enumerated_repair(engine: EmbeddedEngine) -> None:
    request = SampleRequest(n=5000, passage=passage_of(MEDIAN), sources=("enumerated",))
    texts = [s.text for s in await _collect(engine, request)]
    assert any(
        "|    return (ordered[middle] + ordered[middle - 1]) / 2\n" in text for text in texts
    )


async def test_samples_never_repeat_the_function_unchanged(engine: EmbeddedEngine) -> None:
    lines = MEDIAN.split("\n")
    request = SampleRequest(n=300, passage=passage_of(MEDIAN), sources=_ALL)
    for sample in await _collect(engine, request):
        if sample.slots["op"] == "edit":
            first, last = (int(part.split("#")[0]) for part in sample.slots["where"].split(".."))
            assert sample.slots["text"].split("\n") != lines[first - 1 : last]


async def test_canvas_of_the_request_is_kept_to_the_letter(engine: EmbeddedEngine) -> None:
    canvas = Canvas(
        segments=(
            Pinned(text="<<"),
            Slot(name="op", kind="choice", choices=("edit", "insert", "delete")),
            Pinned(text="|"),
            Slot(name="where", kind="anchor"),
            Pinned(text=">>"),
        )
    )
    request = SampleRequest(n=20, passage=passage_of(MEDIAN), canvas=canvas, sources=_ALL)
    for sample in await _collect(engine, request):
        assert sample.text == f"<<{sample.slots['op']}|{sample.slots['where']}>>"


async def test_unknown_slot_is_refused(engine: EmbeddedEngine) -> None:
    canvas = Canvas(segments=(Slot(name="mood", kind="text"),))
    with pytest.raises(RequestError, match="mood"):
        await _collect(
            engine, SampleRequest(n=20, passage=passage_of(MEDIAN), canvas=canvas, sources=_ALL)
        )


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (SampleRequest(n=0, passage=passage_of(MEDIAN)), "n is 0"),
        (SampleRequest(n=1), "needs a passage"),
        (SampleRequest(n=1, passage=passage_of("x = 1\n")), "not one function"),
        (SampleRequest(n=1, passage=passage_of("def f(:\n")), "not one function"),
    ],
)
async def test_requests_that_cannot_be_answered(
    engine: EmbeddedEngine, request_: SampleRequest, message: str
) -> None:
    with pytest.raises(RequestError, match=message):
        await _collect(engine, request_)


async def test_long_function_is_read_through_a_window_around_the_suspicious_line(
    engine: EmbeddedEngine,
) -> None:
    body = [f"    value_{i} = values[{i}] + {i}" for i in range(80)]
    lines = ("def long(values):", *body, "    return value_0")
    weights = tuple(1.0 if i == 60 else 0.01 for i in range(len(lines)))
    anchors = tuple(f"{i + 1}#aa" for i in range(len(lines)))
    passage = Passage(path="a.py", lines=lines, anchors=anchors, weights=weights)
    samples = await _collect(engine, SampleRequest(n=64, passage=passage, sources=_ALL))
    wheres = [s.slots["where"] for s in samples if s.slots]
    touched = [int(where.removeprefix("before ").split("#")[0]) for where in wheres]
    assert touched
    assert all(line <= 2 or abs(line - 61) < 25 for line in touched)


async def test_line_longer_than_the_context_is_said(engine: EmbeddedEngine) -> None:
    source = "def f():\n    return [" + ", ".join(str(i * 7919) for i in range(400)) + "]\n"
    with pytest.raises(ContextError, match="shorter"):
        await _collect(engine, SampleRequest(n=1, passage=passage_of(source)))


async def test_closing_the_stream_frees_the_model() -> None:
    engine = await EmbeddedEngine.load()
    stream = engine.sample(SampleRequest(n=600, passage=passage_of(MEDIAN), max_steps=24))
    async for _ in stream:
        break
    await stream.aclose()  # type: ignore[attr-defined]
    with anyio.fail_after(30):
        assert len(await _collect(engine, SampleRequest(n=2, passage=passage_of(MEDIAN)))) == 2


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json", "manifest.json"])
def test_missing_or_damaged_files_are_named(
    weights_folder: Path, tmp_path: Path, name: str
) -> None:
    for path in weights_folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / name).unlink()
    with pytest.raises(LoadError, match=name):
        load_model(tmp_path)
    (tmp_path / name).write_bytes(b"{}")
    with pytest.raises(LoadError):
        load_model(tmp_path)


def test_importing_the_package_leaves_torch_out() -> None:
    code = "import sys, engine; print('torch' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "False"


def test_engine_fulfils_the_protocol(model: LoadedModel) -> None:
    engine = EmbeddedEngine(model)
    assert isinstance(engine, Engine)
    assert engine.info.parameters > 0
    assert engine.info.manifest["dtype"] == str(torch.float32)


async def test_shipped_weights_find_a_wrong_constant_among_their_first_candidates() -> None:
    engine = await EmbeddedEngine.load()
    assert (
        json.loads((WEIGHTS / "manifest.json").read_text()).items() <= engine.info.manifest.items()
    )
    request = SampleRequest(n=64, passage=passage_of(MEDIAN), sources=_ALL)
    texts = [s.text for s in await _collect(engine, request)]
    assert any(
        "|    return (ordered[middle] + ordered[middle - 1]) / 2\n" in text for text in texts
    )


async def test_asking_the_same_twice_gives_the_same_rows_at_once(engine: EmbeddedEngine) -> None:
    request = SampleRequest(n=12, seed=7, passage=passage_of(MEDIAN))
    first = await _collect(engine, request)
    assert await _collect(engine, request) == first
    assert await _collect(engine, replace(request, seed=8)) != first


def test_loading_imports_no_compiler() -> None:
    code = "import sys, engine.loading as l; l.load_model(); print('torch._dynamo' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
