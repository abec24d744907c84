"""ProjectTests: a change passes when the project's own tests say so, in a sandbox, against a base that ran several times."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import anyio
import anyio.to_thread

from verifiers.base import Change, Level, Snapshot, Verdict
from verifiers.errors import VerifierError
from verifiers.paths import is_test_path
from verifiers.sandbox import check_isolation

from .base.baseline import Baseline, Trace
from .base.cache import Cache, default_folder
from .base.cache_key import cache_key
from .base.held_out import HoldOut
from .base.knowing import Wishes
from .confirming import confirm_from_nothing, still_holds
from .judging.verdicts import NAME, refusal, verdict_of
from .observing import observe
from .prepared import Prepared
from .preparing import prepare_base
from .running.limits import RunLimits, SuiteLimits
from .running.site import Isolation, Site, open_site


class ProjectTests:
    """The verifier that runs the project's tests.

    Args:
        targets: ids of tests, files or folders of tests that are red and have to turn green; empty means all that is red.
        limits: time, memory and output of one run.
        isolation: "bubblewrap" makes the sandbox with that program, slowly; "unsafe" runs the tests without one.
        hold_out: tests that choosing never sees, and that a winner has to pass in the end.
        python: the interpreter of the project; by default its `.venv`, the active environment, or this interpreter.
        workers: runs at a time; by default one less than there are processors.
        look_outside: red tests of the base that seem to lack something in the sandbox run once without it, as the user runs them.
        cache: folder for what the runs of a base showed; None is `$XDG_CACHE_HOME/winnow/baselines`, False keeps nothing.
    """

    name = NAME

    def __init__(
        self,
        *,
        targets: Sequence[str] = (),
        limits: SuiteLimits | None = None,
        isolation: Isolation = "namespaces",
        hold_out: HoldOut | None = None,
        python: Path | None = None,
        workers: int | None = None,
        look_outside: bool = True,
        cache: Path | Literal[False] | None = None,
    ) -> None:
        self.workers = workers or max(1, (os.cpu_count() or 2) - 1)
        self._wishes = Wishes(
            limits=limits or SuiteLimits(),
            targets=tuple(targets),
            hold_out=hold_out or HoldOut(),
            workers=self.workers,
            look_outside=look_outside,
        )
        self._isolation: Isolation = isolation
        self._python = python
        self._cache_folder = default_folder() if cache is None else cache or None
        self._prepared: Prepared | None = None
        self._verdicts: dict[str, Verdict] = {}
        self._judging: dict[str, anyio.Lock] = {}
        self._recalling = anyio.Lock()

    @property
    def baseline(self) -> Baseline:
        """What the tests say of the base.

        Raises:
            VerifierError: `prepare` has not been called.
        """
        return self._ready.baseline

    async def prepare(self, snapshot: Snapshot) -> None:
        """Run the suite of the base: three times cold, each with another order and hash seed, and once on a warm server.

        Nothing is run where the same tree is known from before; a confirmation looks whether that still holds.

        Raises:
            BaseStateError: the suite cannot be run, or is not red where it should be.
            SandboxError: no sandbox can be set up.
        """
        await self.aclose()
        await check_isolation(self._isolation)
        site = await open_site(snapshot, self._python, self._isolation)
        try:
            cache = await anyio.to_thread.run_sync(self._cache, snapshot, site)
            self._prepared = await prepare_base(snapshot, site, self._wishes, cache)
        except BaseException:
            site.close()
            raise

    async def verify(self, change: Change) -> Verdict:
        """Targets first, then the whole suite; the first failure that counts ends it. Level `observed`."""
        if refused := self._refuse(change, "observed"):
            return refused
        async with self._judging.setdefault(change.digest, anyio.Lock()):  # the same change: once
            if change.digest not in self._verdicts:
                self._verdicts[change.digest] = await observe(self._ready, change)
        return self._verdicts[change.digest]

    async def seal(self, change: Change) -> Verdict:
        """The sealed exam: the suite twice, with tests that were made false. Level `sealed`."""
        if refused := self._refuse(change, "sealed"):
            return refused
        started = anyio.current_time()
        request = self._ready.request(change)
        found, result = await self._ready.proctor.examine(request.files)
        phases = {"sealed": anyio.current_time() - started}
        more = (await self._ready.proctor.exam()).warnings
        return verdict_of(self.baseline, found, result, "sealed", phases, whole=True, more=more)

    async def seal_coverage(self) -> float:
        """Share of the tests that have to pass that the sealed exam can make false."""
        return (await self._ready.proctor.exam()).coverage

    async def confirm(self, change: Change) -> Verdict:
        """Seal it, then the whole suite once more with `python -m pytest` in a fresh sandbox, other order and hash seed.

        Level `confirmed`, or `sealed` where the exam was not passed; `held_out` where tests are held out, and run last.

        Raises:
            BaseStateError: the base does otherwise than it did when it was measured, in an earlier run of winnow.
            SandboxError: the sandbox cannot be entered.
        """
        if await self._was_measured_anew(change):
            found = await self.verify(change)
            if not found.passed:
                return found
        sealed = await self.seal(change)
        if not sealed.passed:
            return sealed
        last = await confirm_from_nothing(self._ready, change, sealed.phases)
        return replace(last, findings=(*last.findings, *sealed.findings))

    async def trace(self) -> Trace:
        """Which lines each test of the base runs: targets first, then as many others as time allows."""
        ready, policy, own = self._ready, self._ready.policy, self._wishes.limits
        test_files = sorted(p for p in policy.snapshot.files if is_test_path(p))
        skip = [*test_files, *policy.test_files, "conftest.py"]
        limits = RunLimits(
            seconds=own.seconds + 2 * own.trace_seconds,
            test_seconds=own.test_seconds,
            output_bytes=16 * own.output_bytes,
        )
        request = replace(
            ready.request(None),
            limits=limits,
            first=ready.baseline.targets,
            trace={"skip": skip, "seconds": own.trace_seconds},
        )
        return Trace(lines=(await ready.pool.run(request)).seen.lines)

    async def aclose(self) -> None:
        """End the servers and remove the copy of the tree."""
        ready, self._prepared = self._prepared, None
        self._verdicts.clear()
        self._judging.clear()
        if ready is not None:
            with anyio.CancelScope(shield=True):
                await ready.pool.aclose()
                ready.site.close()

    @property
    def _ready(self) -> Prepared:
        if self._prepared is None:
            raise VerifierError("the tests verifier is not prepared: await prepare(snapshot) first")
        return self._prepared

    def _cache(self, snapshot: Snapshot, site: Site) -> Cache | None:
        if self._cache_folder is None:
            return None
        limits, outside = self._wishes.limits, self._wishes.look_outside
        return Cache(self._cache_folder, cache_key(snapshot, site, limits, look_outside=outside))

    async def _was_measured_anew(self, change: Change) -> bool:
        """Nothing is proved by what was kept: the base runs once more, and is measured anew where it does otherwise."""
        async with self._recalling:
            ready = self._ready
            if not ready.is_recalled:
                return False
            if await still_holds(ready):
                ready.is_recalled = False
                return False
            if ready.cache is not None:
                await anyio.to_thread.run_sync(ready.cache.forget)
            await self.prepare(ready.policy.snapshot)
            return True

    def _refuse(self, change: Change, level: Level) -> Verdict | None:
        policy = self._ready.policy
        for outcome, findings in (
            ("tampered", policy.tampered(change)),
            ("invalid", policy.invalid(change)),
        ):
            if findings:
                return refusal(outcome, findings, level)
        return None
