"""A base that was measured: where to run its tests, what counts, what may be touched."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from verifiers.base import Change

from .baseline import Baseline
from .limits import RunLimits, SuiteLimits, limits_for
from .policy import PathPolicy
from .pool import SuitePool
from .proctor import Proctor
from .runs import Request
from .site import Site


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """Everything that preparing made, and the requests that can be made of it."""

    site: Site
    pool: SuitePool
    baseline: Baseline
    policy: PathPolicy
    proctor: Proctor
    arguments: tuple[str, ...]
    """Of pytest, in every run that choosing sees."""
    limits: SuiteLimits

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
        """The whole suite, targets first, with the limits of a candidate."""
        return replace(
            self.request(change),
            limits=candidate_limits(self.limits, self.baseline, self.baseline.durations),
            first=self.baseline.targets,
            stop=stop,
            may_fail=self.baseline.may_fail,
        )


def suite_limits(limits: SuiteLimits) -> RunLimits:
    """Of a run of the base, of which nothing is known yet."""
    return RunLimits(
        seconds=limits.seconds,
        test_seconds=limits.test_seconds,
        output_bytes=limits.output_bytes,
    )


def candidate_limits(limits: SuiteLimits, baseline: Baseline, tests: Collection[str]) -> RunLimits:
    """Of a run of these tests, from what they took on the base."""
    taken = [baseline.durations.get(test, 0.0) for test in tests]
    everything = sum(baseline.durations.values())
    return limits_for(limits, taken, baseline.seconds - everything + sum(taken))
