"""What the lines of an observer mean. The lines were written beside untrusted code: nothing in them is believed blindly."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .failures import Failure, Frame

_PHASES = ("setup", "call", "teardown")


@dataclass(slots=True)
class TestRecord:
    """Everything that was said of one test."""

    phases: Counter[str] = field(default_factory=Counter)
    finished: int = 0
    failed: str = ""
    """The first phase that failed."""
    skipped: bool = False
    again: bool = False
    """A plugin announced another try (`rerun`): what is said from the next setup on counts, and only that."""
    expected_failure: str = ""
    """`xfailed` or `xpassed`."""
    seconds: float = 0.0
    failure: Failure | None = None

    @property
    def ran_once(self) -> bool:
        """True when it was set up, torn down and finished exactly once."""
        return self.phases["setup"] == 1 and self.phases["teardown"] == 1 and self.finished == 1

    @property
    def outcome(self) -> str:
        """`passed`, `failed`, `error`, `skipped`, `xfailed`, `xpassed`, or `odd` for a test that did not run once."""
        if not self.ran_once or self.again:
            return "odd"
        if self.failed:
            return "failed" if self.failed == "call" else "error"
        if self.expected_failure:
            return self.expected_failure
        if self.skipped:
            return "skipped"
        return "passed" if self.phases["call"] else "odd"


@dataclass(slots=True)
class Observations:
    """What one run said."""

    tests: dict[str, TestRecord] = field(default_factory=dict)
    collection_errors: dict[str, str] = field(default_factory=dict)
    modules: dict[str, str] = field(default_factory=dict)
    lines: dict[str, dict[str, frozenset[int]]] = field(default_factory=dict)
    places: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Test id -> file and 1-based line of its function, which may be another class's."""
    end: int | None = None
    """pytest's own exit status; None when the run did not come to its end."""
    num_collected: int = 0
    num_foreign: int = 0
    """Lines that do not carry the nonce, or make no sense: someone else wrote to the channel."""

    @property
    def outcomes(self) -> dict[str, str]:
        """Test id -> outcome."""
        return {test: record.outcome for test, record in self.tests.items()}

    @property
    def durations(self) -> dict[str, float]:
        """Test id -> seconds."""
        return {test: record.seconds for test, record in self.tests.items()}

    @property
    def failures(self) -> dict[str, Failure]:
        """Test id -> why it failed."""
        return {t: r.failure for t, r in self.tests.items() if r.failure is not None}


def read_observations(data: bytes, nonce: str) -> Observations:
    """Read the lines of one run; never raises."""
    seen = Observations()
    for line in data.split(b"\n"):
        if line and not _read_line(seen, line, nonce):
            seen.num_foreign += 1
    return seen


def _read_line(seen: Observations, line: bytes, nonce: str) -> bool:
    try:
        sent, kind, *payload = json.loads(line)
        if sent != nonce or seen.end is not None:
            return False
        _READERS[kind](seen, *payload)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return False
    return True


def _read_report(
    seen: Observations,
    test: str,
    phase: str,
    outcome: str,
    expected_failure: bool,
    seconds: float,
    error: Any,
) -> None:
    record = seen.tests.setdefault(_known(test), TestRecord())
    if record.again and phase == "setup":
        record = seen.tests[str(test)] = TestRecord(seconds=record.seconds)
    record.phases[_PHASES[_PHASES.index(phase)]] += 1
    record.again = record.again or outcome == "rerun"
    record.seconds += float(seconds)
    if outcome == "failed" and not record.failed:
        record.failed = phase
        record.failure = _failure(error)
    elif outcome == "skipped" and not expected_failure:
        record.skipped = True
    if expected_failure:
        record.expected_failure = "xfailed" if outcome == "skipped" else "xpassed"


def _failure(error: Any) -> Failure:
    if error is None:
        return Failure(error="Failure", message="", path="", line=0, frames=())
    name, message, frames = error
    read = tuple(Frame(path=str(p), line=int(n), function=str(f)) for p, n, f in frames)
    last = read[-1] if read else Frame(path="", line=0, function="")
    return Failure(
        error=str(name),
        message=printable(str(message)),
        path=last.path,
        line=last.line,
        frames=read,
    )


def _read_finished(seen: Observations, test: str) -> None:
    seen.tests.setdefault(_known(test), TestRecord()).finished += 1


def _known(test: str) -> str:
    """The same string in every run: verdicts are kept, each with the outcomes of all tests."""
    return sys.intern(str(test))


def _read_begin(seen: Observations) -> None:
    """Nothing is known yet."""


def _read_collected(seen: Observations, count: int) -> None:
    seen.num_collected += int(count)


def _read_collect_error(seen: Observations, test: str, text: str) -> None:
    seen.collection_errors[str(test)] = printable(str(text))


def _read_modules(seen: Observations, modules: list[list[str]]) -> None:
    seen.modules.update((str(name), str(file)) for name, file in modules)


def _read_places(seen: Observations, places: list[Any]) -> None:
    seen.places.update((str(test), (str(path), int(line or 0) + 1)) for test, path, line in places)


def _read_trace(seen: Observations, test: str, lines: Mapping[str, list[int]]) -> None:
    seen.lines[str(test)] = {str(p): frozenset(map(int, numbers)) for p, numbers in lines.items()}


def _read_end(seen: Observations, status: int) -> None:
    seen.end = int(status)


def printable(text: str) -> str:
    """Text without control and escape characters: what tests print is not to be trusted on a terminal."""
    return "".join(c if c.isprintable() or c in "\n\t" else "�" for c in text)


_READERS: dict[str, Callable[..., None]] = {
    "begin": _read_begin,
    "report": _read_report,
    "finished": _read_finished,
    "collected": _read_collected,
    "collect_error": _read_collect_error,
    "modules": _read_modules,
    "places": _read_places,
    "trace": _read_trace,
    "end": _read_end,
}
