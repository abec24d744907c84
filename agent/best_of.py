"""Agent: from a red test to the change that proved itself, or to none.

    baseline -> localize -> sample -> parse -> resolve -> verify -> select -> confirm -> Run

A bad candidate is data, a broken run raises, and no winner is an outcome.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import anyio
import anyio.to_thread

from agent import telemetry
from agent.deciding import Decision, decide, outcome_of
from agent.formats import get_format
from agent.groups import single_errors
from agent.judging import Judges
from agent.limits import Limits
from agent.localize import Suspect, localize
from agent.manifest import build_manifest
from agent.prompts import build_request
from agent.rounds import Answer, Rounds, StopRule
from agent.selectors import select
from agent.sifting import Sieve
from agent.types import CallFormat, Listener, Run, Selector, SuiteRunner, Task
from engine import Engine, SampleRequest
from verifiers import Complexity, ProjectTests, Snapshot, Verifier, take_snapshot

_NO_SUSPECT = "the red tests run no function of the repository that can be changed"
_NO_TRACE = "no place to change was found: it is not seen which code the red tests run"


def _nobody(kind: str, facts: Mapping[str, Any]) -> None:
    """Hears of a run and does nothing."""


class Agent:
    """Asks an engine many times and hands back the best change that the tests prove, or none.

    Args:
        engine: gives the samples; it stays the caller's to close.
        tests: runs the suite; None makes `ProjectTests` of the task's targets, and closes it.
        verifiers: further ones, asked before the tests; None is `Complexity` alone.
        selector: chooses among the candidates.
        call_format: how the engine writes calls; None is the shipped model's.
        limits: what a run may use up.
        seed: of the first row of every request.
        hear: is told of every event while the run goes on.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        tests: SuiteRunner | None = None,
        verifiers: Sequence[Verifier] | None = None,
        selector: Selector = select,
        call_format: CallFormat | None = None,
        limits: Limits | None = None,
        seed: int = 0,
        hear: Listener = _nobody,
    ) -> None:
        self.engine = engine
        self.tests = tests
        self.verifiers: Sequence[Verifier] = (Complexity(),) if verifiers is None else verifiers
        self.selector = selector
        self.call_format = call_format or get_format("winnow")
        self.limits = limits or Limits()
        self.seed = seed
        self.hear = hear

    def run_sync(self, task: Task) -> Run:
        """As `run`, for programs without an event loop."""
        return anyio.run(self.run, task)

    async def run(self, task: Task) -> Run:
        """Find, prove and choose; the repository is only read.

        Raises:
            BaseStateError: nothing is red, or the suite cannot be run.
            SandboxError: no sandbox could be set up.
            EngineError: the engine failed.
        """
        snapshot = await anyio.to_thread.run_sync(take_snapshot, task.repo)
        tests = self.tests or ProjectTests(targets=task.targets)
        with telemetry.workflow(self.limits.max_samples, self.seed) as span:
            try:
                run = await _Flow(self, task, snapshot, tests).run()
            finally:
                if tests is not self.tests:
                    with anyio.CancelScope(shield=True):
                        await tests.aclose()
            telemetry.record_run(span, run)
        return run


class _Flow:
    """One run: its steps, and what they found out so far."""

    def __init__(self, agent: Agent, task: Task, snapshot: Snapshot, tests: SuiteRunner) -> None:
        self._agent = agent
        self._task = task
        self._snapshot = snapshot
        self._tests = tests
        self._judges = Judges(tests, agent.verifiers)
        self._sieve = Sieve(
            snapshot=snapshot,
            call_format=agent.call_format,
            judges=self._judges,
            rule=StopRule(agent.limits.grace_candidates),
            limits=agent.limits,
            hear=agent.hear,
        )
        self._seconds: dict[str, float] = {}
        self._notes: list[str] = []
        self._limit_hit = ""

    async def run(self) -> Run:
        facts = {"repo": str(self._task.repo), "targets": list(self._task.targets)}
        self._agent.hear("run.started", {**facts, **self._manifest()})
        limit = self._agent.limits.seconds
        with self._timed("total"):
            with anyio.move_on_after(limit) as scope:
                await self._prepare()
                await self._sift(await self._localize())
            if scope.cancelled_caught:
                self._limit_hit = f"the limit of {limit:g} s was reached"
            with self._timed("confirm"):
                decision = await self._decide()
        return self._finished(decision)

    async def _prepare(self) -> None:
        with self._timed("baseline"):
            await self._judges.prepare(self._snapshot)
        baseline = self._tests.baseline
        facts = {
            "num_tests": len(baseline.outcomes),
            "targets": list(baseline.targets),
            "flaky": sorted(baseline.flaky),
            "order_dependent": sorted(baseline.order_dependent),
            "missing": sorted(baseline.missing),
            "num_cold_runs": baseline.num_cold_runs,
            "uncollected": dict(baseline.uncollected),
        }
        self._notes += baseline.notes
        for path, why in baseline.uncollected.items():
            self._notes.append(f"{path} cannot be collected, so its tests count for nothing: {why}")
        self._agent.hear("baseline.finished", facts)

    async def _localize(self) -> tuple[Suspect, ...]:
        with self._timed("localize"):
            trace = await self._tests.trace()
            suspects = await anyio.to_thread.run_sync(
                localize, self._snapshot, self._tests.baseline, trace
            )
        facts = [{"place": one.place, "suspicion": round(one.suspicion, 4)} for one in suspects]
        self._agent.hear("localize.finished", {"suspects": facts})
        if not suspects:
            self._notes.append(_NO_SUSPECT if trace.lines else _NO_TRACE)
        return suspects

    async def _sift(self, suspects: Sequence[Suspect]) -> None:
        """Sample and verify side by side, until there is enough to choose from."""
        rounds = Rounds(self._agent.engine, self._requests(suspects), self._agent.limits)
        send, receive = anyio.create_memory_object_stream[Answer]()
        try:
            with single_errors():
                async with anyio.create_task_group() as group:
                    group.start_soon(rounds.run, send)
                    await self._sieve.run(receive)
                    group.cancel_scope.cancel()
        finally:
            self._seconds |= {"sample": rounds.seconds, "verify": self._sieve.seconds}
            self._notes += rounds.notes
        if rounds.is_cut_short:
            limit = self._agent.limits.sampling_seconds
            self._limit_hit = f"the limit of {limit:g} s of sampling was reached"

    def _requests(self, suspects: Sequence[Suspect]) -> list[tuple[Suspect, SampleRequest]]:
        agent, failures = self._agent, self._tests.baseline.failures
        said = [(test, failures[test]) for test in self._tests.baseline.targets if test in failures]
        most, seed = agent.limits.max_samples, agent.seed
        return [
            (one, build_request(self._task, one, said, agent.call_format, n=most, seed=seed))
            for one in suspects
        ]

    async def _decide(self) -> Decision:
        return await decide(
            self._sieve.candidates,
            selector=self._agent.selector,
            judges=self._judges,
            max_confirmations=self._agent.limits.max_confirmations,
            hear=self._agent.hear,
        )

    def _finished(self, decision: Decision) -> Run:
        candidates, selection = decision.candidates, decision.selection
        outcome = outcome_of(selection, candidates, is_limit_hit=bool(self._limit_hit))
        notes = tuple(filter(None, [self._limit_hit, *self._notes]))
        if selection.winner is None and notes:
            reason = "; ".join([*notes, *([selection.reason] if candidates else [])])
            selection = replace(selection, reason=reason)
        self._agent.hear("run.finished", {"outcome": outcome, "reason": selection.reason})
        return Run(
            task=self._task,
            outcome=outcome,
            selection=selection,
            candidates=candidates,
            seconds=self._seconds,
            manifest=self._manifest(),
            notes=notes,
        )

    def _manifest(self) -> Mapping[str, Any]:
        agent = self._agent
        return build_manifest(
            self._snapshot,
            agent.engine.info,
            agent.limits,
            call_format=agent.call_format.name,
            seed=agent.seed,
        )

    @contextmanager
    def _timed(self, phase: str) -> Iterator[None]:
        started = anyio.current_time()
        try:
            yield
        finally:
            self._seconds[phase] = anyio.current_time() - started
