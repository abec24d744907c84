"""A base that was measured: where to run its tests, what counts, what may be touched."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

import anyio.to_thread

from verifiers.base import Change

from .base.baseline import Baseline, Measured
from .base.cache import Cache
from .exam.proctor import Proctor
from .judging.kills import Kills
from .policy.policy import PathPolicy
from .running.limits import RunLimits, SuiteLimits, limits_for, suite_limits
from .running.runs import Request
from .running.site import Site
from .running.steady import SteadyPool

_MOST_FIRST = 50


@dataclass(slots=True, kw_only=True)
class Prepared:
    """Everything that preparing made, and the requests that can be made of it."""

    site: Site
    pool: SteadyPool
    measured: Measured
    baseline: Baseline
    """Of `measured`; tests that turn out to be flaky later leave it."""
    policy: PathPolicy
    proctor: Proctor
    arguments: tuple[str, ...]
    """Of pytest, in every run that choosing sees."""
    limits: SuiteLimits
    kills: Kills = field(default_factory=Kills)
    cache: Cache | None = None
    """Where what was measured is kept."""
    is_recalled: bool = False
    """True when it was not measured now, but comes from there."""
    recalled_files: tuple[str, ...] = ()
    """Compiled files in the site's tree that come from there."""

    async def add_flaky(self, tests: Collection[str]) -> None:
        """From now on these tests count for nothing."""
        if not tests:
            return
        self.baseline = self.baseline.with_flaky(tests)
        if self.cache is not None:
            await anyio.to_thread.run_sync(self.cache.add_flaky, tests)

    @property
    def targets(self) -> tuple[str, ...]:
        """Those of the baseline; the ones that refused most changes first."""
        return self.kills.ordered(self.baseline.targets)

    @property
    def is_told_by_targets(self) -> bool:
        """True when the files of the targets hold all tests: to run the targets alone would save next to nothing."""
        files = {test.partition("::")[0] for test in self.baseline.targets}
        return files == {test.partition("::")[0] for test in self.baseline.outcomes}

    def request(self, change: Change | None) -> Request:
        """The whole suite, in the order of the project, with the limits of the base."""
        files: Mapping[str, bytes | None] = {}
        if change is not None:
            files = {path: file.after for path, file in change.files.items()}
        return Request(limits=suite_limits(self.limits), files=files, arguments=self.arguments)

    def request_of(self, change: Change, tests: tuple[str, ...]) -> Request:
        """Some tests, with the limits of a candidate."""
        limits = candidate_limits(self.limits, self.baseline, tests)
        return replace(self.request(change), tests=tests, limits=limits)

    def whole(self, change: Change, *, stop: bool) -> Request:
        """The whole suite with the limits of a candidate; first what has most to say on this change.

        That is the targets, then the tests that refused most changes so far, then the files that import what is changed.
        """
        near = self.baseline.test_files_by_change(change.files)
        return replace(
            self.request(change),
            limits=candidate_limits(self.limits, self.baseline, self.baseline.durations),
            first=(*self.targets, *self.kills.first(_MOST_FIRST), *near),
            stop=stop,
            may_fail=self.baseline.may_fail,
        )


def candidate_limits(limits: SuiteLimits, baseline: Baseline, tests: Collection[str]) -> RunLimits:
    """Of a run of these tests, from what they took on the base."""
    taken = [baseline.durations.get(test, 0.0) for test in tests]
    everything = sum(baseline.durations.values())
    return limits_for(limits, taken, baseline.seconds - everything + sum(taken))
