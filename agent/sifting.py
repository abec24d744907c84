"""From a stream of answers to judged candidates, several at a time."""

from __future__ import annotations

from dataclasses import replace

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream

from agent import telemetry
from agent.facts import candidate_facts
from agent.groups import single_errors
from agent.judging import Judges
from agent.limits import Limits
from agent.reading import read_candidate
from agent.rounds import Answer, StopRule
from agent.types import CallFormat, Candidate, Listener
from verifiers import Change, Snapshot


class Sieve:
    """Reads answers in their order, judges each distinct change once, and stops by the rule.

    Args:
        snapshot: what edits resolve against.
        call_format: how the model writes calls.
        judges: the verifiers, prepared.
        rule: says which candidates may still win.
        limits: workers and the time that is left after the first pass count here.
        hear: is told of every candidate when it is done.
    """

    def __init__(
        self,
        *,
        snapshot: Snapshot,
        call_format: CallFormat,
        judges: Judges,
        rule: StopRule,
        limits: Limits,
        hear: Listener,
    ) -> None:
        self._snapshot = snapshot
        self._format = call_format
        self._judges = judges
        self._rule = rule
        self._limits = limits
        self._slots = anyio.Semaphore(limits.num_workers)
        self._hear = hear
        self._has_passed = anyio.Event()
        self._done: dict[int, Candidate] = {}
        self._first_by_digest: dict[str, int] = {}
        self.seconds = 0.0
        """Time that judging took, summed over candidates that were judged side by side."""

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """Those that are done and may win by the rule, in the order of the answers."""
        return tuple(self._done[i] for i in sorted(self._done) if self._rule.considers(i))

    async def run(self, answers: MemoryObjectReceiveStream[Answer]) -> None:
        """Judge until the answers end or the rule says that it is enough.

        Raises:
            VerifierError: a verifier broke.
        """
        with single_errors():
            async with answers, anyio.create_task_group() as group:
                group.start_soon(self._end_grace, group.cancel_scope)
                await self._take_all(answers)
                group.cancel_scope.cancel()

    async def _take_all(self, answers: MemoryObjectReceiveStream[Answer]) -> None:
        index = 0
        async with anyio.create_task_group() as group:
            async for answer in answers:
                candidate = self._read(index, answer)
                await self._slots.acquire()
                if not self._rule.considers(index):
                    break
                group.start_soon(self._take, candidate)
                index += 1

    async def _end_grace(self, scope: anyio.CancelScope) -> None:
        """Once one has passed the others get their time and no more."""
        await self._has_passed.wait()
        await anyio.sleep(self._limits.grace_seconds)
        scope.cancel()

    async def _take(self, candidate: Candidate) -> None:
        try:
            if _is_new(candidate) and candidate.change is not None:
                candidate = await self._judged(candidate, candidate.change)
            self._finish(candidate)
        finally:
            self._slots.release()

    def _read(self, index: int, answer: Answer) -> Candidate:
        candidate = read_candidate(index, answer.sample, self._format, self._snapshot)
        if candidate.fault is not None or candidate.change is None:
            return candidate
        first = self._first_by_digest.setdefault(candidate.change.digest, index)
        return candidate if first == index else replace(candidate, duplicate_of=first)

    async def _judged(self, candidate: Candidate, change: Change) -> Candidate:
        started = anyio.current_time()
        with telemetry.span(f"invoke_agent candidate {candidate.index}") as span:
            candidate = replace(candidate, verdicts=await self._judges.judge(change))
            telemetry.record_candidate(span, candidate)
        self.seconds += anyio.current_time() - started
        return candidate

    def _finish(self, candidate: Candidate) -> None:
        self._done[candidate.index] = candidate
        if candidate.passed:
            self._rule.saw_pass(candidate.index)
            self._has_passed.set()
        self._hear("candidate.finished", candidate_facts(candidate))


def _is_new(candidate: Candidate) -> bool:
    return candidate.fault is None and candidate.duplicate_of is None
