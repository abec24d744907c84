"""Whom to ask, in which order to consider the answers, and when to stop.

Suspects are asked one after the other, so that the first one's answers can be tried while the model
thinks about the second. Their streams are merged by score and suspicion. The order depends on
nothing but the answers: no clock, no race decides which candidate comes first.
"""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

import anyio
from anyio.abc import TaskGroup
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from agent import telemetry
from agent.groups import single_errors
from agent.limits import Limits
from agent.localize import Suspect
from engine import ContextError, Engine, RequestError, Sample, SampleRequest

LEAD = 16
"""Candidates that are considered before each further suspect joins."""
SHARPNESS = 4.0
"""How much more the first suspect counts than the next ones: suspicions lie close together, guilt does not."""
_BUFFER = 32
"""Answers that a suspect's stream may be ahead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A sample and the function that it is about."""

    suspect: Suspect
    sample: Sample

    @property
    def priority(self) -> float:
        """The model's own score, and how suspicious the function is, as log-probabilities."""
        return self.sample.score + SHARPNESS * math.log(max(self.suspect.suspicion, 1e-6))


class StopRule:
    """After the first candidate that passes, `grace` more are considered; then it is enough."""

    def __init__(self, grace: int) -> None:
        self._grace = grace
        self._first: int | None = None

    def saw_pass(self, index: int) -> None:
        """Candidate `index` passed; the earliest one counts, whenever its verdict came."""
        self._first = index if self._first is None else min(self._first, index)

    def considers(self, index: int) -> bool:
        """True if candidate `index` may still win."""
        return self._first is None or index <= self._first + self._grace


@dataclass
class _Stream:
    """What one suspect's request gave so far."""

    suspect: Suspect
    request: SampleRequest
    send: MemoryObjectSendStream[Answer]
    receive: MemoryObjectReceiveStream[Answer]
    is_ready: anyio.Event = field(default_factory=anyio.Event)
    """Set when the first answer is there, or when there will be none."""
    is_refused: bool = False
    head: Answer | None = None

    def close(self) -> None:
        """Close both ends; whoever waits for an answer hears that there is none."""
        self.send.close()
        self.receive.close()
        self.is_ready.set()

    async def advance(self) -> None:
        """Take the next answer to the head; None at the end."""
        try:
            self.head = await self.receive.receive()
        except (anyio.EndOfStream, anyio.ClosedResourceError):
            self.head = None


class Rounds:
    """Puts requests to an engine and sends the merged answers on.

    Args:
        engine: who is asked.
        requests: a suspect and its request each, the most suspicious first.
        limits: `max_samples`, `max_suspects` and `sampling_seconds` count here.
    """

    def __init__(
        self, engine: Engine, requests: Sequence[tuple[Suspect, SampleRequest]], limits: Limits
    ) -> None:
        self._engine = engine
        self._limits = limits
        self._streams = [_open(suspect, request) for suspect, request in requests]
        self.notes: list[str] = []
        """Suspects that could not be asked about, and why."""
        self.seconds = 0.0
        """Time that was spent waiting for the engine."""
        self.is_cut_short = False
        """True when `sampling_seconds` ended a request."""

    async def run(self, answers: MemoryObjectSendStream[Answer]) -> None:
        """Send answers in order until there are no more, or `max_samples`; close `answers` then.

        Raises:
            EngineError: the engine failed; a suspect that it cannot read is a note instead.
        """
        with single_errors(), ExitStack() as closing:
            closing.callback(answers.close)
            for stream in self._streams:
                closing.callback(stream.close)
            async with anyio.create_task_group() as group:
                group.start_soon(self._ask_all, group)
                await self._merge(answers)
                group.cancel_scope.cancel()

    async def _ask_all(self, group: TaskGroup) -> None:
        num_answered = 0
        for stream in self._streams:
            if num_answered == self._limits.max_suspects or self.is_cut_short:
                stream.close()
                continue
            group.start_soon(self._ask, stream)
            await stream.is_ready.wait()
            num_answered += not stream.is_refused

    async def _ask(self, stream: _Stream) -> None:
        with telemetry.chat(self._engine.info, stream.request):
            async with stream.send:
                try:
                    await self._forward(stream)
                except RequestError as error:
                    stream.is_refused = True
                    self.notes.append(_refusal(stream.suspect, error))
                finally:
                    stream.is_ready.set()

    async def _forward(self, stream: _Stream) -> None:
        rows = self._engine.sample(stream.request)
        try:
            while (sample := await self._next(rows)) is not None:
                stream.is_ready.set()
                await stream.send.send(Answer(suspect=stream.suspect, sample=sample))
        finally:
            with anyio.CancelScope(shield=True):
                await _close(rows)

    async def _next(self, rows: AsyncIterator[Sample]) -> Sample | None:
        started = anyio.current_time()
        sample = None
        with anyio.move_on_after(self._limits.sampling_seconds - self.seconds) as scope:
            sample = await anext(rows, None)
        self.seconds += anyio.current_time() - started
        self.is_cut_short = self.is_cut_short or scope.cancelled_caught
        return sample

    async def _merge(self, answers: MemoryObjectSendStream[Answer]) -> None:
        waiting = iter(self._streams)
        joined: list[_Stream] = []
        for num_sent in range(self._limits.max_samples):
            if num_sent >= LEAD * len(joined) or not _heads(joined):
                await _join(joined, waiting)
            if not (heads := _heads(joined)):
                return
            stream, answer = max(heads, key=lambda head: head[1].priority)
            try:
                await answers.send(answer)
            except anyio.BrokenResourceError:
                return  # nobody wants more
            await stream.advance()


async def _join(joined: list[_Stream], waiting: Iterator[_Stream]) -> None:
    """Let the next suspect that has answers join, if there is one."""
    for stream in waiting:
        await stream.is_ready.wait()
        await stream.advance()
        if stream.head:
            joined.append(stream)
            return


def _heads(joined: Sequence[_Stream]) -> list[tuple[_Stream, Answer]]:
    return [(stream, stream.head) for stream in joined if stream.head]


def _open(suspect: Suspect, request: SampleRequest) -> _Stream:
    send, receive = anyio.create_memory_object_stream[Answer](_BUFFER)
    return _Stream(suspect, request, send, receive)


async def _close(rows: AsyncIterator[Sample]) -> None:
    """Free the rows that still run; plain iterators hold none."""
    if isinstance(rows, AsyncGenerator):
        await rows.aclose()


def _refusal(suspect: Suspect, error: RequestError) -> str:
    if isinstance(error, ContextError):
        return f"{suspect.place} is too long for the model's context: {error}"
    return f"{suspect.place} could not be asked about: {error}"
