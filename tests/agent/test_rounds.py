from __future__ import annotations

import math
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace

import anyio
import pytest
from hypothesis import given, settings, strategies as st

from agent.limits import Limits
from agent.localize import Suspect
from agent.rounds import LEAD, SHARPNESS, Answer, Rounds, StopRule
from engine import ContextError, EngineError, RequestError, Sample, SampleRequest, ScriptedEngine
from tests.agent.projects import make_suspect

pytestmark = pytest.mark.anyio


def request(suspect: Suspect, n: int = 100) -> tuple[Suspect, SampleRequest]:
    return suspect, SampleRequest(passage=suspect.passage, n=n)


def scored(scores: Sequence[float]) -> list[Sample]:
    return [Sample(text=f"{s}", index=i, seed=i, score=s) for i, s in enumerate(scores)]


def engine_of(scores: Mapping[str, Sequence[float]], seconds: float = 0.0) -> ScriptedEngine:
    """Answers with the scores of the passage's file."""

    def script(asked: SampleRequest) -> list[Sample]:
        assert asked.passage is not None
        return scored(scores[asked.passage.path.removesuffix(".py")])

    return ScriptedEngine(script, seconds_per_row=seconds)


async def collect(rounds: Rounds, most: int | None = None) -> list[Answer]:
    send, receive = anyio.create_memory_object_stream[Answer]()
    answers: list[Answer] = []
    with anyio.fail_after(20):
        async with anyio.create_task_group() as group:
            group.start_soon(rounds.run, send)
            async with receive:
                async for answer in receive:
                    answers.append(answer)
                    if len(answers) == most:
                        break
            group.cancel_scope.cancel()
    return answers


def paths(answers: Sequence[Answer]) -> str:
    return "".join(answer.suspect.qualname for answer in answers)


class Refusing:
    """Wraps an engine; some functions are refused or break it."""

    def __init__(self, inner: ScriptedEngine, errors: dict[str, EngineError]) -> None:
        self._inner = inner
        self._errors = errors
        self.info = inner.info

    async def sample(self, request: SampleRequest) -> AsyncIterator[Sample]:
        assert request.passage is not None
        if error := self._errors.get(request.passage.path.removesuffix(".py")):
            raise error
        async for sample in self._inner.sample(request):
            yield sample

    async def aclose(self) -> None:
        await self._inner.aclose()


async def test_the_first_suspect_leads_then_the_best_answer_comes_next() -> None:
    scores = {"a": [-1.0] * 30, "b": [0.0, 0.0, -9.0]}
    suspects = [make_suspect("a"), make_suspect("b")]
    rounds = Rounds(engine_of(scores), [request(one) for one in suspects], Limits())
    answers = await collect(rounds)
    assert paths(answers) == "a" * LEAD + "bb" + "a" * 14 + "b"


async def test_suspicion_counts_beside_the_score() -> None:
    likely, unlikely = make_suspect("a", 1.0), make_suspect("b", 0.1)
    sample = Sample(text="", index=0, seed=0, score=-1.0)
    higher = replace(sample, score=-1.0 - SHARPNESS * math.log(0.1) + 0.01)
    assert (
        Answer(suspect=likely, sample=sample).priority
        > Answer(suspect=unlikely, sample=sample).priority
    )
    assert (
        Answer(suspect=unlikely, sample=higher).priority
        > Answer(suspect=likely, sample=sample).priority
    )


async def test_a_function_that_is_too_long_is_a_note_and_the_next_is_asked() -> None:
    suspects = [make_suspect(name) for name in "abc"]
    errors: dict[str, EngineError] = {
        "a": ContextError(900, 512, "the function"),
        "b": RequestError("not one function"),
    }
    engine = Refusing(engine_of({"c": [0.0, -1.0]}), errors)
    rounds = Rounds(engine, [request(one) for one in suspects], Limits(max_suspects=1))
    assert paths(await collect(rounds)) == "cc"
    assert len(rounds.notes) == 2
    assert "too long for the model's context" in rounds.notes[0]
    assert "a.py:1" in rounds.notes[0]
    assert "could not be asked about" in rounds.notes[1]


async def test_no_more_suspects_are_asked_than_the_limit_says() -> None:
    engine = engine_of({name: [0.0] for name in "abcd"})
    suspects = [make_suspect(name) for name in "abcd"]
    rounds = Rounds(engine, [request(one) for one in suspects], Limits(max_suspects=2))
    assert paths(await collect(rounds)) == "ab"
    assert len(engine.requests) == 2


async def test_max_samples_holds_over_all_suspects() -> None:
    engine = engine_of({"a": [0.0] * 40, "b": [0.0] * 40})
    suspects = [make_suspect(name) for name in "ab"]
    rounds = Rounds(engine, [request(one) for one in suspects], Limits(max_samples=20))
    assert len(await collect(rounds)) == 20


async def test_an_engine_that_breaks_raises_its_own_error() -> None:
    engine = Refusing(engine_of({}), {"a": EngineError("out of memory")})
    rounds = Rounds(engine, [request(make_suspect("a"))], Limits())
    send, receive = anyio.create_memory_object_stream[Answer]()
    async with receive:
        with pytest.raises(EngineError, match="out of memory"):
            await rounds.run(send)


async def test_sampling_stops_at_its_limit() -> None:
    engine = engine_of({"a": [0.0] * 50, "b": [0.0] * 50}, seconds=0.05)
    suspects = [make_suspect(name) for name in "ab"]
    rounds = Rounds(engine, [request(one) for one in suspects], Limits(sampling_seconds=0.3))
    answers = await collect(rounds)
    assert rounds.is_cut_short
    assert 0 < len(answers) < 30
    assert rounds.seconds < 5


async def test_nobody_listening_ends_the_requests() -> None:
    engine = engine_of({"a": [0.0] * 500})
    rounds = Rounds(engine, [request(make_suspect("a"), 500)], Limits(max_samples=500))
    assert len(await collect(rounds, most=3)) == 3
    assert engine.num_rows_yielded < 100


async def test_no_suspect_gives_no_answer() -> None:
    assert await collect(Rounds(engine_of({}), [], Limits())) == []


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0.01, 1), st.lists(st.floats(-9, 0), max_size=40)), max_size=4),
    st.sampled_from([0.0, 0.0001]),
)
def test_the_order_depends_on_the_answers_alone(
    streams: list[tuple[float, list[float]]], seconds: float
) -> None:
    names = "abcd"[: len(streams)]
    suspects = [make_suspect(name, one[0]) for name, one in zip(names, streams, strict=True)]
    scores = {name: sorted(one[1], reverse=True) for name, one in zip(names, streams, strict=True)}

    def merged(pause: float) -> list[Answer]:
        engine = engine_of(scores, pause)
        rounds = Rounds(engine, [request(one) for one in suspects], Limits())
        return anyio.run(collect, rounds)

    answers = merged(0.0)
    assert answers == merged(seconds)
    assert len(answers) == sum(map(len, scores.values()))
    for name in names:  # nothing is lost, and a stream keeps its order
        own = [one.sample.score for one in answers if one.suspect.qualname == name]
        assert own == scores[name]


@settings(deadline=None)
@given(st.lists(st.integers(0, 50), max_size=6), st.integers(0, 20))
def test_the_rule_does_not_depend_on_the_order_of_verdicts(passes: list[int], grace: int) -> None:
    forward, backward = StopRule(grace), StopRule(grace)
    for index in passes:
        forward.saw_pass(index)
    for index in reversed(passes):
        backward.saw_pass(index)
    for index in range(80):
        expected = not passes or index <= min(passes) + grace
        assert forward.considers(index) is backward.considers(index) is expected
