"""What a run may use up."""

from __future__ import annotations

import os
from dataclasses import dataclass

from agent.errors import ConfigError

_MAX_WORKERS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds of one run; times are wall seconds.

    Raises:
        ConfigError: a bound is below its least sensible value.
    """

    max_samples: int = 256
    """Samples that are read at most, over all suspects together."""
    seconds: float = 600.0
    """From the start to the decision; confirming a winner may end later."""
    sampling_seconds: float = 300.0
    """Time that the engine may work."""
    verify_workers: int | None = None
    """Changes that are verified at a time; None: as many as there are processors, at most 8."""
    max_suspects: int = 5
    """Functions that are asked about."""
    grace_candidates: int = 16
    """Candidates that are still considered after the first that passes, to have a choice."""
    grace_seconds: float = 20.0
    """Time for those; where a suite is slow, the choice is made among fewer."""
    max_confirmations: int = 4
    """Finalists that are confirmed, one after the other, until one stands."""

    def __post_init__(self) -> None:
        for name in ("max_samples", "max_suspects", "max_confirmations"):
            _check(name, getattr(self, name), least=1)
        for name in ("seconds", "sampling_seconds"):
            _check(name, getattr(self, name), least=0.001)
        for name in ("grace_candidates", "grace_seconds"):
            _check(name, getattr(self, name), least=0)
        _check("verify_workers", self.num_workers, least=1)

    @property
    def num_workers(self) -> int:
        """Changes that are verified at a time."""
        if self.verify_workers is not None:
            return self.verify_workers
        return min(_MAX_WORKERS, len(os.sched_getaffinity(0)))


def _check(name: str, value: float, *, least: float) -> None:
    if not value >= least:
        raise ConfigError(f"{name} is {value}: give at least {least:g}")
