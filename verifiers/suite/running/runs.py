"""One run of the tests: what is asked, and what came back."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias

from .limits import RunLimits
from .observations import Observations

Stop: TypeAlias = Literal["", "timeout", "flood"]
_TIMEOUT_SIGNALS = (128 + 24,)
_CRASH = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What one run of the tests is asked."""

    limits: RunLimits
    files: Mapping[str, bytes | None] = field(default_factory=dict)
    """Path -> content after the change; None deletes."""
    tests: Sequence[str] = ()
    """Ids to run; empty means the whole suite, as the project configures it."""
    first: Sequence[str] = ()
    """Ids and files of tests that run before all others."""
    stop: bool = False
    """End at the first failure of a test that is not in `may_fail`."""
    may_fail: Sequence[str] = ()
    finish: Sequence[str] = ()
    """Ids that run even after a failure."""
    arguments: Sequence[str] = ()
    """Further arguments of pytest."""
    trace: Mapping[str, object] | None = None
    modules: bool = False

    def options(self, nonce: str, *, quit_early: bool) -> dict[str, object]:
        """What the observer is told; with `quit_early` the process ends with the last test, without a summary."""
        return {
            "nonce": nonce,
            "first": list(self.first),
            "stop": self.stop,
            "may_fail": list(self.may_fail),
            "finish": list(self.finish),
            "test_seconds": self.limits.test_seconds,
            "trace": self.trace,
            "modules": self.modules,
            "quit": quit_early,
        }

    def message(self, nonce: str, num_known: int = 0) -> dict[str, Any]:
        """The request as a server takes it that knows the first `num_known` arguments already."""
        files = {
            p: None if c is None else base64.b64encode(c).decode() for p, c in self.files.items()
        }
        return {
            "files": files,
            # What failed is told by the observer: to format tracebacks takes longer than most tests.
            "arguments": [*self.arguments[num_known:], "--tb=no", *self.tests],
            "cpu_seconds": self.limits.cpu_seconds,
            "options": self.options(nonce, quit_early=True),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What one run showed."""

    seen: Observations
    stopped: Stop
    """Why it was killed from outside, if it was."""
    status: int
    """Exit status; 128 + signal for a killed process."""
    seconds: float
    tail: str
    """The last of what was printed."""
    out_of_memory: bool = False
    """The kernel ended a process of the run, because all together held more than they may."""
    attempts: tuple[str, ...] = ()
    """What became of earlier tries at the same run, in words."""

    @property
    def crashed(self) -> bool:
        """True when it ended by a signal, or without saying that it ended."""
        return (
            not self.stopped
            and not self.timed_out
            and (self.status >= _CRASH or self.seen.end is None)
        )

    @property
    def timed_out(self) -> bool:
        """True when wall or processor time ran out."""
        return self.stopped == "timeout" or self.status in _TIMEOUT_SIGNALS


class Runner(Protocol):
    """Whatever runs tests."""

    async def run(self, request: Request) -> Result:
        """One run of the tests.

        Raises:
            SandboxError: the sandbox cannot be entered.
        """


def new_nonce() -> str:
    """A word that the judged code does not know."""
    return secrets.token_hex(12)
