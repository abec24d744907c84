"""Where the fault may lie: functions that the failing tests run and the passing ones do not.

Every line gets its Ochiai score, `failing / sqrt(all failing * (failing + passing))`, raised where
the traceback of a failing test points. A function is as suspicious as its most suspicious line.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from agent.edits.content import read_content
from agent.errors import EditError
from agent.functions import FunctionSource, read_functions
from engine import Passage
from verifiers import Baseline, Failure, Snapshot, Trace, is_test_path

MAX_SUSPECTS = 8
MIN_SUSPICION = 0.02

_DEF_LINE = 0.05
"""Signatures are seldom the fault, but never beyond doubt."""
_RAISING_FRAME = 0.5
_CALLING_FRAME = 0.25

LineScores: TypeAlias = Mapping[str, Mapping[int, float]]
"""Suspicion, 0..1, by path and 1-based line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """A function that may hold the fault."""

    path: str
    qualname: str
    first_line: int
    last_line: int
    suspicion: float
    """0..1, that of its most suspicious line."""
    passage: Passage

    @property
    def place(self) -> str:
        """`path:line (qualname)`."""
        return f"{self.path}:{self.first_line} ({self.qualname})"


def localize(snapshot: Snapshot, baseline: Baseline, trace: Trace) -> tuple[Suspect, ...]:
    """Suspicious functions, the most suspicious first, at most `MAX_SUSPECTS`; tests never are."""
    failures = [baseline.failures[one] for one in baseline.targets if one in baseline.failures]
    scores = _raised(_line_scores(baseline, trace), failures)
    suspects = [
        suspect
        for path, lines in sorted(scores.items())
        if path in snapshot.files and path.endswith(".py") and not is_test_path(path)
        for function in read_functions(path, _text(snapshot, path))
        if (suspect := _suspect(function, lines)).suspicion >= MIN_SUSPICION
    ]
    return tuple(sorted(suspects, key=_order)[:MAX_SUSPECTS])


def _line_scores(baseline: Baseline, trace: Trace) -> LineScores:
    targets = frozenset(baseline.targets)
    failing = _count(trace, targets)
    passing = _count(trace, _stably_passing(baseline))
    num_failing = max(1, len(targets & trace.lines.keys()))
    return {
        path: {
            line: _ochiai(count, passing.get(path, Counter())[line], num_failing)
            for line, count in lines.items()
        }
        for path, lines in failing.items()
    }


def _ochiai(failing: int, passing: int, num_failing: int) -> float:
    return failing / math.sqrt(num_failing * (failing + passing))


def _stably_passing(baseline: Baseline) -> frozenset[str]:
    passed = (test for test, outcome in baseline.outcomes.items() if outcome == "passed")
    return frozenset(passed) - baseline.flaky


def _count(trace: Trace, tests: frozenset[str]) -> dict[str, Counter[int]]:
    """How many of `tests` ran each line."""
    counts: dict[str, Counter[int]] = {}
    for test in tests & trace.lines.keys():
        for path, lines in trace.lines[test].items():
            counts.setdefault(path, Counter()).update(lines)
    return counts


def _raised(scores: LineScores, failures: Iterable[Failure]) -> LineScores:
    """Scores with a share of what is left to 1 added where a traceback points."""
    raised = {path: dict(lines) for path, lines in scores.items()}
    shares: dict[tuple[str, int], float] = {}
    for failure in failures:
        for place, share in _frame_shares(failure):
            shares[place] = max(share, shares.get(place, 0.0))
    for (path, line), share in shares.items():
        lines = raised.setdefault(path, {})
        score = lines.get(line, 0.0)
        lines[line] = score + share * (1.0 - score)
    return raised


def _frame_shares(failure: Failure) -> Iterator[tuple[tuple[str, int], float]]:
    frames = [frame for frame in failure.frames if not is_test_path(frame.path)]
    for frame in frames[:-1]:
        yield (frame.path, frame.line), _CALLING_FRAME
    for frame in frames[-1:]:
        yield (frame.path, frame.line), _RAISING_FRAME


def _suspect(function: FunctionSource, scores: Mapping[int, float]) -> Suspect:
    weights = _spread(function, scores)
    return Suspect(
        path=function.path,
        qualname=function.qualname,
        first_line=function.first_line,
        last_line=function.last_line,
        suspicion=max(weights.values(), default=0.0),
        passage=function.passage({function.first_line: _DEF_LINE, **weights}),
    )


def _spread(function: FunctionSource, scores: Mapping[int, float]) -> dict[int, float]:
    """Scores of the body, with every line of a statement as suspicious as its worst one.

    A tracer reports the lines on which the interpreter stops, not all lines of a long statement.
    """
    weights: dict[int, float] = {}
    for lines in function.statements:
        score = max((scores.get(line, 0.0) for line in lines), default=0.0)
        if score:
            weights.update((line, max(score, weights.get(line, 0.0))) for line in lines)
    return weights


def _order(suspect: Suspect) -> tuple[float, float, int, str, int]:
    """Suspicion; among equals the share of suspicious lines, then short ones: they cost little."""
    weights = suspect.passage.weights
    mean = sum(weights) / len(weights)
    return (-suspect.suspicion, -mean, len(weights), suspect.path, suspect.first_line)


def _text(snapshot: Snapshot, path: str) -> str:
    try:
        return "\n".join(read_content(snapshot.read(path), path).texts)
    except EditError:
        return ""  # not UTF-8: such files are not edited
