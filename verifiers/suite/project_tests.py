"""ProjectTests: a change passes when the project's own tests say so, in a sandbox, against a baseline that ran twice."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

import anyio

from verifiers.base import Change, Finding, Level, Snapshot, Verdict
from verifiers.errors import VerifierError
from verifiers.paths import is_test_path
from verifiers.sandbox import check_isolation

from .baseline import Baseline, Trace
from .cold import run_cold
from .held_out import HoldOut, held_out_files, unseen
from .judgement import Judgement, judge, score
from .limits import RunLimits, SuiteLimits
from .prepared import Prepared
from .preparing import prepare_base
from .runs import Request, Result
from .site import Isolation, open_site

_FEW_TARGETS, _MOST_NAMED = 5, 200


class ProjectTests:
    """The verifier that runs the project's tests.

    Args:
        targets: ids of tests, files or folders of tests that are red and have to turn green; empty means all that is red.
        limits: time, memory and output of one run.
        isolation: "bubblewrap" makes the sandbox with that program, slowly; "unsafe" runs the tests without one.
        hold_out: tests that choosing never sees, and that a winner has to pass in the end.
        python: the interpreter of the project; by default its `.venv`, the active environment, or this interpreter.
        workers: runs at a time; by default one less than there are processors.
    """

    name = "tests"

    def __init__(
        self,
        *,
        targets: Sequence[str] = (),
        limits: SuiteLimits | None = None,
        isolation: Isolation = "namespaces",
        hold_out: HoldOut | None = None,
        python: Path | None = None,
        workers: int | None = None,
    ) -> None:
        self._wanted = tuple(targets)
        self._limits = limits or SuiteLimits()
        self._isolation: Isolation = isolation
        self._hold_out = hold_out or HoldOut()
        self._python = python
        self.workers = workers or max(1, (os.cpu_count() or 2) - 1)
        self._prepared: Prepared | None = None
        self._verdicts: dict[str, Verdict] = {}

    @property
    def baseline(self) -> Baseline:
        """What the tests say of the base.

        Raises:
            VerifierError: `prepare` has not been called.
        """
        return self._ready.baseline

    async def prepare(self, snapshot: Snapshot) -> None:
        """Run the suite of the base twice: once cold, once on a warm server.

        Raises:
            BaseStateError: the suite cannot be run, or is not red where it should be.
            SandboxError: no sandbox can be set up.
        """
        await self.aclose()
        await check_isolation(self._isolation)
        site = await open_site(snapshot, self._python, self._isolation)
        try:
            self._prepared = await prepare_base(
                snapshot,
                site,
                limits=self._limits,
                wanted=self._wanted,
                hold_out=self._hold_out,
                workers=self.workers,
            )
        except BaseException:
            site.close()
            raise

    async def verify(self, change: Change) -> Verdict:
        """Targets first, then the whole suite; the first failure that counts ends it. Level `observed`."""
        if refused := self._refuse(change, "observed"):
            return refused
        if change.digest not in self._verdicts:
            self._verdicts[change.digest] = await self._observe(change)
        return self._verdicts[change.digest]

    async def seal(self, change: Change) -> Verdict:
        """The sealed exam: the suite twice, with tests that were made false. Level `sealed`."""
        if refused := self._refuse(change, "sealed"):
            return refused
        started = anyio.current_time()
        request = self._ready.request(change)
        found, result = await self._ready.proctor.examine(request.files)
        seconds = anyio.current_time() - started
        return self._verdict(found, result, "sealed", seconds, whole=True)

    async def seal_coverage(self) -> float:
        """Share of the tests that have to pass that the sealed exam can make false."""
        return (await self._ready.proctor.exam()).coverage

    async def confirm(self, change: Change) -> Verdict:
        """Seal it, then the whole suite once more with `python -m pytest` in a fresh sandbox, other hash seed.

        Level `confirmed`, or `sealed` where the exam was not passed; `held_out` where tests are held out, and run last.
        """
        sealed = await self.seal(change)
        if not sealed.passed:
            return sealed
        baseline = self.baseline
        request = self._ready.request(change)
        found, result = await self._run_cold(request, baseline.must_pass)
        if found.outcome == "failed" and not found.failed & set(baseline.targets):
            found, result = await self._run_cold(request, baseline.must_pass)
        seconds = sealed.seconds + result.seconds
        if found.passed and baseline.held_out:
            return await self._hold_to(request, seconds)
        return self._verdict(found, result, "confirmed", seconds, whole=True)

    async def trace(self) -> Trace:
        """Which lines each test of the base runs: targets first, then as many others as time allows."""
        ready, policy = self._ready, self._ready.policy
        test_files = sorted(p for p in policy.snapshot.files if is_test_path(p))
        skip = [*test_files, *policy.test_files, "conftest.py"]
        limits = RunLimits(
            seconds=self._limits.seconds + 2 * self._limits.trace_seconds,
            test_seconds=self._limits.test_seconds,
            output_bytes=16 * self._limits.output_bytes,
        )
        request = replace(
            ready.request(None),
            limits=limits,
            first=ready.baseline.targets,
            trace={"skip": skip, "seconds": self._limits.trace_seconds},
        )
        return Trace(lines=(await ready.pool.run(request)).seen.lines)

    async def aclose(self) -> None:
        """End the servers and remove the copy of the tree."""
        ready, self._prepared = self._prepared, None
        self._verdicts.clear()
        if ready is not None:
            with anyio.CancelScope(shield=True):
                await ready.pool.aclose()
                ready.site.close()

    @property
    def _ready(self) -> Prepared:
        if self._prepared is None:
            raise VerifierError("the tests verifier is not prepared: await prepare(snapshot) first")
        return self._prepared

    async def _observe(self, change: Change) -> Verdict:
        ready, seconds = self._ready, 0.0
        targets = ready.baseline.targets
        if len(targets) <= _MOST_NAMED:
            request = replace(ready.request_of(change, targets), stop=len(targets) > _FEW_TARGETS)
            found, result = await self._run_warm(request, targets)
            seconds = result.seconds
            if not found.passed:
                return self._verdict(found, result, "observed", seconds, whole=False)
        must_pass = ready.baseline.must_pass
        found, result = await self._run_warm(ready.whole(change, stop=True), must_pass)
        if await self._looks_flaky(change, result, found):
            found, result = await self._run_warm(ready.whole(change, stop=False), must_pass)
        return self._verdict(found, result, "observed", seconds + result.seconds, whole=True)

    async def _looks_flaky(self, change: Change, result: Result, found: Judgement) -> bool:
        """True when the only tests that broke are others than the targets, and pass when run again."""
        broken = {t for t in found.failed if t in result.seen.tests} - set(self.baseline.targets)
        if found.outcome not in ("failed", "timeout") or not 0 < len(broken) <= _FEW_TARGETS:
            return False
        tests = tuple(sorted(broken))
        again, _ = await self._run_warm(self._ready.request_of(change, tests), tests)
        return again.passed

    async def _hold_to(self, request: Request, seconds: float) -> Verdict:
        baseline = self.baseline
        hiding = set(unseen(baseline))
        arguments = tuple(a for a in request.arguments if a not in hiding)
        request = replace(request, arguments=arguments, tests=held_out_files(baseline))
        found, result = await self._run_cold(request, baseline.held_out)
        return self._verdict(found, result, "held_out", seconds + result.seconds, whole=True)

    async def _run_warm(
        self, request: Request, expected: Collection[str]
    ) -> tuple[Judgement, Result]:
        result = await self._ready.pool.run(request)
        return judge(result, expected, self.baseline.uncollected), result

    async def _run_cold(
        self, request: Request, expected: Collection[str]
    ) -> tuple[Judgement, Result]:
        result = await run_cold(self._ready.site, request, self._limits.sandbox, hash_seed=1)
        return judge(result, expected, self.baseline.uncollected), result

    def _refuse(self, change: Change, level: Level) -> Verdict | None:
        policy = self._ready.policy
        for outcome, findings in (
            ("tampered", policy.tampered(change)),
            ("invalid", policy.invalid(change)),
        ):
            if findings:
                return _refusal(outcome, findings, level)
        return None

    def _verdict(
        self, found: Judgement, result: Result, level: Level, seconds: float, *, whole: bool
    ) -> Verdict:
        return Verdict(
            verifier=self.name,
            passed=found.passed and whole,
            score=score(self.baseline, found, whole),
            outcome=found.outcome,
            level=level,
            findings=found.findings,
            seconds=seconds,
            tests=result.seen.outcomes,
        )


def _refusal(outcome: str, findings: list[Finding], level: Level) -> Verdict:
    return Verdict(
        verifier=ProjectTests.name,
        passed=False,
        score=0.0,
        outcome=outcome,
        level=level,
        findings=tuple(findings),
    )
