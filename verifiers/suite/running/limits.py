"""What a run of a test suite may use."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from verifiers.sandbox import SandboxLimits


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteLimits:
    """Wall seconds, bytes and processes of one run. What the baseline took makes the limits of candidates tighter."""

    seconds: float = 300.0
    """Of one run of the whole suite."""
    test_seconds: float = 20.0
    """Of one test: an endless loop becomes a failed test."""
    baseline_seconds: float = 120.0
    """After which no further run of the base is begun that only tells flaky tests from others."""
    trace_seconds: float = 30.0
    """After which no further test is traced."""
    output_bytes: int = 8 << 20
    """Of everything that a run says, on each channel."""
    startup_seconds: float = 4.0
    """Allowed for start and collection on top of what the tests themselves take."""
    sandbox: SandboxLimits = field(default_factory=SandboxLimits)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLimits:
    """Limits of one run, worked out."""

    seconds: float
    test_seconds: float
    output_bytes: int

    @property
    def cpu_seconds(self) -> int:
        """Processor time: a backstop where wall time is long because the machine is busy."""
        return math.ceil(self.seconds) + 1


def suite_limits(limits: SuiteLimits) -> RunLimits:
    """Of a run of the base, of which nothing is known yet."""
    return RunLimits(
        seconds=limits.seconds,
        test_seconds=limits.test_seconds,
        output_bytes=limits.output_bytes,
    )


def limits_for(limits: SuiteLimits, durations: list[float], seconds: float) -> RunLimits:
    """Limits of a candidate's run of tests that took `durations` on the base, in a suite that took `seconds`."""
    longest, total = max(durations, default=0.0), sum(durations)
    wanted = limits.startup_seconds + 2 * max(0.0, seconds - total) + 4 * total
    return RunLimits(
        seconds=min(limits.seconds, wanted),
        test_seconds=min(limits.test_seconds, 2.0 + 10 * longest),
        output_bytes=limits.output_bytes,
    )
