"""Reading a JUnit report that judged code has written: bounded, without entities, from a plain file only; never raises."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from xml.parsers import expat

from verifiers.suite.running.failures import Failure
from verifiers.suite.running.observations import printable

MAX_BYTES = 32 << 20
_MAX_TESTS, _MAX_CHARS = 200_000, 500
_WORSE = {"passed": 0, "skipped": 1, "failed": 2, "error": 3}
_ENDS = {"failure": "failed", "error": "error", "skipped": "skipped"}
_LEFT_OUT = frozenset({"notrun", "skipped", "disabled", "suppressed"})


@dataclass(slots=True)
class JUnitReport:
    """What a report says of each test."""

    outcomes: dict[str, str] = field(default_factory=dict)
    """`class::name` -> `passed`, `skipped`, `failed` or `error`; of several with one name the worst."""
    failures: dict[str, Failure] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    problem: str = ""
    """Why there is nothing to read; then the tables are empty."""


def read_report(tree: Path, path: str) -> JUnitReport:
    """The report at `path`, which is relative to `tree`; a link on the way, or no plain file, is a problem."""
    try:
        content = _content(tree, path)
    except FileNotFoundError:
        return JUnitReport(problem=f"no report was written at {path}")
    except (OSError, ValueError) as error:
        return JUnitReport(problem=f"the report {path} cannot be read: {_said(error)}")
    report = parse_report(content)
    if report.problem:
        report.problem = f"the report {path} cannot be read: {report.problem}"
    return report


def parse_report(content: bytes) -> JUnitReport:
    """What the bytes of a report say; all or nothing."""
    reader = _Reader()
    try:
        reader.parse(content)
    # Python's codecs answer for encodings that expat does not know, each in its own way.
    except (expat.ExpatError, ValueError, LookupError, TypeError) as error:
        return JUnitReport(problem=printable(str(error)) or type(error).__name__)
    return reader.report


def _content(tree: Path, path: str) -> bytes:
    """Every step is opened without following links: the judged code made what lies there."""
    *folders, name = path.split("/")
    held = os.open(tree, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for folder in folders:
            flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
            inner = os.open(folder, flags, dir_fd=held)
            os.close(held)
            held = inner
        # A FIFO would wait for a writer.
        number = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=held)
    finally:
        os.close(held)
    with os.fdopen(number, "rb") as file:
        if not stat.S_ISREG(os.fstat(number).st_mode):
            raise ValueError("it is no plain file")
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise ValueError(f"it has more than {MAX_BYTES} bytes")
    return content


def _said(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


class _Reader:
    """Follows the elements of one report."""

    def __init__(self) -> None:
        self.report = JUnitReport()
        self._depth = 0
        self._suites: list[str] = []
        self._test = ""
        self._test_depth = 0
        self._num_tests = 0
        self._text: list[str] | None = None
        self._num_chars = 0

    def parse(self, content: bytes) -> None:
        parser = expat.ParserCreate(namespace_separator="}")
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.StartDoctypeDeclHandler = _refuse_doctype
        parser.Parse(content, True)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        name = name.rpartition("}")[2]
        if name == "testsuite":
            self._suites.append(attributes.get("name", ""))
        elif name == "testcase" and not self._test_depth:
            self._begin_test(attributes)
        elif name in _ENDS and self._test_depth == self._depth - 1:
            self._end_test(name, attributes)

    def _end(self, name: str) -> None:
        name = name.rpartition("}")[2]
        if name == "testsuite":
            self._suites.pop()
        if self._depth == self._test_depth:
            self._test_depth = 0
        if name in _ENDS and self._text is not None:
            self._keep_text("".join(self._text))
            self._text = None
        self._depth -= 1

    def _begin_test(self, attributes: dict[str, str]) -> None:
        self._num_tests += 1
        if self._num_tests > _MAX_TESTS:
            raise ValueError(f"it has more than {_MAX_TESTS} tests")
        group = attributes.get("classname") or next(filter(None, reversed(self._suites)), "")
        parts = [_short(part) for part in (group, attributes.get("name", "")) if part]
        if not any(parts):
            raise ValueError("a test has no name")
        self._test, self._test_depth = "::".join(parts), self._depth
        words = {attributes.get("status", "").lower(), attributes.get("result", "").lower()}
        self._note("skipped" if words & _LEFT_OUT else "passed")
        with suppress(ValueError):
            self.report.seconds[self._test] = _seconds(attributes.get("time", ""))

    def _note(self, outcome: str) -> None:
        known = self.report.outcomes.get(self._test, "passed")
        self.report.outcomes[self._test] = max(known, outcome, key=_WORSE.__getitem__)

    def _end_test(self, name: str, attributes: dict[str, str]) -> None:
        self._note(_ENDS[name])
        if name == "skipped":
            return
        self.report.failures[self._test] = Failure(
            error=_short(attributes.get("type", "")) or name,
            message=_short(attributes.get("message", "")),
            path="",
            line=0,
            frames=(),
        )
        self._text, self._num_chars = [], 0

    def _characters(self, text: str) -> None:
        if self._text is not None and self._num_chars <= _MAX_CHARS:
            self._text.append(text)
            self._num_chars += len(text)

    def _keep_text(self, text: str) -> None:
        """The body of a failure says why where its attribute does not."""
        failure = self.report.failures[self._test]
        if not failure.message:
            lines = [line for line in printable(text[:_MAX_CHARS]).splitlines() if line.strip()]
            message = "".join(lines[:1]).strip()
            self.report.failures[self._test] = replace(failure, message=message)


def _refuse_doctype(*_: Any) -> None:
    raise ValueError("it has a DOCTYPE, which may define entities")


def _short(text: str) -> str:
    return printable(text)[:_MAX_CHARS].replace("\n", " ").strip()


def _seconds(text: str) -> float:
    """0..a day; what is no number, or none that a clock shows, raises ValueError."""
    seconds = float(text.replace(",", ""))
    if not 0 <= seconds <= 86_400:
        raise ValueError(text)
    return seconds
