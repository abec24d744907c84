"""ProjectTests: a change passes when the project's own tests say so, in a sandbox, against a baseline that ran twice."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import anyio

from verifiers.base import Change, Finding, Level, Snapshot, Verdict
from verifiers.errors import SandboxError, VerifierError
from verifiers.paths import is_test_path
from verifiers.sandbox import check_namespaces

from .arguments import arguments_for
from .baseline import Baseline, Trace
from .cold import run_cold
from .judgement import Judgement, judge, score
from .limits import RunLimits, SuiteLimits, limits_for
from .measure import check_base_run, make_baseline
from .policy import PathPolicy
from .pool import SuitePool
from .preload import installed_modules, modules_to_preload
from .proctor import Proctor
from .runs import Request, Result
from .site import Isolation, Site, open_site

_FEW_TARGETS, _MOST_NAMED = 5, 200


class ProjectTests:
    """The verifier that runs the project's tests.

    Args:
        targets: ids of tests, files or folders of tests that are red and have to turn green; empty means all that is red.
        limits: time, memory and output of one run.
        isolation: "unsafe" runs the tests without a sandbox.
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
        python: Path | None = None,
        workers: int | None = None,
    ) -> None:
        self._wanted = tuple(targets)
        self._limits = limits or SuiteLimits()
        self._isolation: Isolation = isolation
        self._python = python
        self.workers = workers or max(1, (os.cpu_count() or 2) - 1)
        self._prepared: _Prepared | None = None
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
        if self._isolation == "namespaces":
            await check_namespaces()
        site = await open_site(snapshot, self._python, self._isolation)
        try:
            self._prepared = await self._measure(snapshot, site)
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
        request = self._request(change)
        found, result = await self._ready.proctor.examine(request.files)
        seconds = anyio.current_time() - started
        return self._verdict(found, result, "sealed", seconds, whole=True)

    async def seal_coverage(self) -> float:
        """Share of the tests that have to pass that the sealed exam can make false."""
        return (await self._ready.proctor.exam()).coverage

    async def confirm(self, change: Change) -> Verdict:
        """Seal it, then the whole suite once more with `python -m pytest` in a fresh sandbox, other hash seed.

        Level `confirmed`, or `sealed` where the exam was not passed.
        """
        sealed = await self.seal(change)
        if not sealed.passed:
            return sealed
        ready = self._ready
        request = replace(self._request(change), limits=self._suite_limits(), may_fail=())
        result = await run_cold(ready.site, request, self._limits.sandbox, hash_seed=1)
        found = judge(result, ready.baseline.must_pass)
        if found.outcome == "failed" and not found.failed & set(ready.baseline.targets):
            again = await run_cold(ready.site, request, self._limits.sandbox, hash_seed=1)
            result, found = again, judge(again, ready.baseline.must_pass)
        seconds = sealed.seconds + result.seconds
        return self._verdict(found, result, "confirmed", seconds, whole=True)

    async def trace(self) -> Trace:
        """Which lines each test of the base runs: targets first, then as many others as time allows."""
        ready = self._ready
        test_files = sorted(p for p in ready.policy.snapshot.files if is_test_path(p))
        skip = [*test_files, *ready.policy.test_files, "conftest.py"]
        limits = RunLimits(
            seconds=self._limits.seconds + 2 * self._limits.trace_seconds,
            test_seconds=self._limits.test_seconds,
            output_bytes=16 * self._limits.output_bytes,
        )
        request = replace(
            self._request(None),
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
    def _ready(self) -> _Prepared:
        if self._prepared is None:
            raise VerifierError("the tests verifier is not prepared: await prepare(snapshot) first")
        return self._prepared

    async def _measure(self, snapshot: Snapshot, site: Site) -> _Prepared:
        arguments = arguments_for(snapshot, site.interpreter.plugins)
        request = Request(limits=self._suite_limits(), arguments=arguments, modules=True)
        first = await run_cold(site, request, self._limits.sandbox, hash_seed=0, keep="compiled")
        check_base_run(first)
        paths = site.interpreter.paths
        preload = modules_to_preload(first.seen.modules, paths, site.place)
        pool = SuitePool(site, self._limits.sandbox, preload, self.workers)
        try:
            second = await self._second_run(pool, site, replace(request, modules=False))
            baseline = make_baseline(first, second, self._wanted, pool.warm)
        except BaseException:
            with anyio.CancelScope(shield=True):
                await pool.aclose()
            raise
        files = frozenset(test.split("::")[0] for test in first.seen.tests)
        policy = PathPolicy(snapshot, files, installed_modules(paths))
        whole = Request(limits=self._limits_of(baseline, baseline.durations), arguments=arguments)
        proctor = Proctor(snapshot, site, pool, baseline, whole)
        return _Prepared(site, pool, baseline, policy, arguments, proctor)

    async def _second_run(self, pool: SuitePool, site: Site, request: Request) -> Result:
        try:
            result = await pool.run(request)
            if not result.crashed and not result.stopped:
                return result
        except SandboxError:
            pass
        pool.warm = False  # something in the suite does not survive a fork: every run starts cold
        await pool.aclose()
        return await run_cold(site, request, self._limits.sandbox, hash_seed=1)

    async def _observe(self, change: Change) -> Verdict:
        ready, seconds = self._ready, 0.0
        targets = ready.baseline.targets
        if len(targets) <= _MOST_NAMED:
            request = replace(
                self._request(change), tests=targets, stop=len(targets) > _FEW_TARGETS
            )
            result = await ready.pool.run(
                replace(request, limits=self._limits_of(ready.baseline, targets))
            )
            found, seconds = judge(result, targets), result.seconds
            if not found.passed:
                return self._verdict(found, result, "observed", seconds, whole=False)
        result = await ready.pool.run(self._whole(change, stop=True))
        found = judge(result, ready.baseline.must_pass)
        if await self._looks_flaky(change, result, found):
            result = await ready.pool.run(self._whole(change, stop=False))
            found = judge(result, ready.baseline.must_pass)
        return self._verdict(found, result, "observed", seconds + result.seconds, whole=True)

    async def _looks_flaky(self, change: Change, result: Result, found: Judgement) -> bool:
        """True when the only tests that broke are others than the targets, and pass when run again."""
        broken = {t for t in found.failed if t in result.seen.tests} - set(self.baseline.targets)
        if found.outcome not in ("failed", "timeout") or not 0 < len(broken) <= _FEW_TARGETS:
            return False
        tests = tuple(sorted(broken))
        request = replace(
            self._request(change), tests=tests, limits=self._limits_of(self.baseline, tests)
        )
        return judge(await self._ready.pool.run(request), tests).passed

    def _whole(self, change: Change, stop: bool) -> Request:
        limits = self._limits_of(self.baseline, self.baseline.durations)
        request = replace(
            self._request(change), limits=limits, first=self.baseline.targets, stop=stop
        )
        return replace(request, may_fail=self.baseline.may_fail)

    def _request(self, change: Change | None) -> Request:
        files: Mapping[str, bytes | None] = {}
        if change is not None:
            files = {path: file.after for path, file in change.files.items()}
        return Request(limits=self._suite_limits(), files=files, arguments=self._ready.arguments)

    def _limits_of(self, baseline: Baseline, tests: Collection[str]) -> RunLimits:
        taken = [baseline.durations.get(test, 0.0) for test in tests]
        everything = sum(baseline.durations.values())
        return limits_for(self._limits, taken, baseline.seconds - everything + sum(taken))

    def _suite_limits(self) -> RunLimits:
        limits = self._limits
        return RunLimits(
            seconds=limits.seconds,
            test_seconds=limits.test_seconds,
            output_bytes=limits.output_bytes,
        )

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


class _Prepared:
    """Everything that `prepare` made."""

    __slots__ = ("arguments", "baseline", "policy", "pool", "proctor", "site")

    def __init__(
        self,
        site: Site,
        pool: SuitePool,
        baseline: Baseline,
        policy: PathPolicy,
        arguments: tuple[str, ...],
        proctor: Proctor,
    ) -> None:
        self.site, self.pool, self.baseline = site, pool, baseline
        self.policy, self.arguments, self.proctor = policy, arguments, proctor


def _refusal(outcome: str, findings: list[Finding], level: Level) -> Verdict:
    return Verdict(
        verifier=ProjectTests.name,
        passed=False,
        score=0.0,
        outcome=outcome,
        level=level,
        findings=tuple(findings),
    )
