"""One winner or none, with the reason in words. The same candidates always give the same answer.

Among candidates that passed everything: the result that most of them agree on, then the one that
adds least complexity, then the smallest change, then the one that came first.
"""

from __future__ import annotations

import ast
import difflib
from collections import Counter
from collections.abc import Sequence
from typing import TypeAlias

from agent.types import Candidate, Selection
from verifiers import Change, FileChange, Verdict, parse_python

_NEUTRAL = 0.5
_STEP = 0.05
"""Complexity scores that differ by less are equal: about half a nested branch."""

_Behaviour: TypeAlias = tuple[object, ...]


def select(candidates: Sequence[Candidate]) -> Selection:
    """The winner by agreement, complexity, size and order; none where nothing passed."""
    passing = [one for one in candidates if one.passed and one.change is not None]
    if not passing:
        return Selection(
            winner=None,
            reason=describe_failures(candidates),
            best_partial=best_partial(candidates),
        )
    groups = _agreeing(passing)
    votes = {key: sum(_votes(one, candidates) for one in group) for key, group in groups.items()}
    ranked = sorted((_rank(one, votes[key]), one) for key, group in groups.items() for one in group)
    winner = ranked[0][1]
    num_agreeing = -ranked[0][0][0]
    return Selection(
        winner=winner,
        reason=_reason(ranked, sum(votes.values()), num_agreeing),
        num_agreeing=num_agreeing,
    )


def describe_failures(candidates: Sequence[Candidate]) -> str:
    """Why none passed, counted by kind."""
    if not candidates:
        return "there was no candidate to judge"
    counts = Counter(_end(one) for one in candidates)
    listed = ", ".join(f"{count} {kind}" for kind, count in counts.most_common())
    return f"none of {len(candidates)} candidates passed: {listed}"


def best_partial(candidates: Sequence[Candidate]) -> Candidate | None:
    """The candidate that came closest by its tests; None where none mended anything."""
    tested = [one for one in candidates if _closeness(one)[0] > 0]
    return max(tested, key=_closeness, default=None)


def _closeness(candidate: Candidate) -> tuple[float, int, int]:
    verdict = _tests(candidate)
    if verdict is None:
        return (0.0, 0, -candidate.index)
    num_passed = sum(outcome == "passed" for outcome in verdict.tests.values())
    return (verdict.score, num_passed, -candidate.index)


def _tests(candidate: Candidate) -> Verdict | None:
    """The verdict that ran tests on honest ground, if one did."""
    ran = [one for one in candidate.verdicts if one.tests and one.outcome != "tampered"]
    return ran[-1] if ran else None


def _end(candidate: Candidate) -> str:
    """How a candidate ended, in a word or three."""
    if candidate.duplicate_of is not None:
        return "repeated an earlier one"
    if candidate.fault is not None:
        return "made no change that could be tried"
    failed = [verdict for verdict in candidate.verdicts if not verdict.passed]
    if not failed:
        return "were not judged"
    return _WORDS.get(failed[-1].outcome, f"were refused by {failed[-1].verifier}")


_WORDS = {
    "failed": "failed tests",
    "timeout": "ran out of time",
    "crash": "crashed",
    "memory": "ran out of memory",
    "flood": "wrote too much output",
    "tampered": "tampered with the tests",
    "invalid": "were not valid code",
}


def _agreeing(passing: Sequence[Candidate]) -> dict[_Behaviour, list[Candidate]]:
    groups: dict[_Behaviour, list[Candidate]] = {}
    for one in passing:
        if one.change is not None:
            groups.setdefault(_behaviour(one, one.change), []).append(one)
    return groups


def _behaviour(candidate: Candidate, change: Change) -> _Behaviour:
    """What candidates share that agree: every test's outcome, and the code but for its layout."""
    verdict = _tests(candidate)
    tests = tuple(sorted(verdict.tests.items())) if verdict else ()
    return (tests, *((path, _code(path, file)) for path, file in sorted(change.files.items())))


def _code(path: str, file: FileChange) -> str | bytes | None:
    if file.after is None or not path.endswith(".py"):
        return file.after
    try:
        return ast.dump(parse_python(file.after))
    except (SyntaxError, RecursionError):
        return file.after


def _votes(candidate: Candidate, candidates: Sequence[Candidate]) -> int:
    return 1 + sum(one.duplicate_of == candidate.index for one in candidates)


def _rank(candidate: Candidate, votes: int) -> tuple[int, int, int, int]:
    return (-votes, _cost(candidate), _num_changed_lines(candidate), candidate.index)


def _cost(candidate: Candidate) -> int:
    """Steps by which the other verifiers' scores fall short."""
    scores = [_capped(verdict) for verdict in candidate.verdicts if not verdict.tests]
    return round(sum(1.0 - score for score in scores) / _STEP)


def _capped(verdict: Verdict) -> float:
    # What a repair removes may be what no test looks at, so that only added complexity counts.
    return min(_NEUTRAL, verdict.score) if verdict.verifier == "complexity" else verdict.score


def _num_changed_lines(candidate: Candidate) -> int:
    files = candidate.change.files.values() if candidate.change else ()
    return sum(_distance(file.before or b"", file.after or b"") for file in files)


def _distance(before: bytes, after: bytes) -> int:
    matcher = difflib.SequenceMatcher(None, before.split(b"\n"), after.split(b"\n"), autojunk=False)
    return sum(
        max(high - low, new_high - new_low)
        for tag, low, high, new_low, new_high in matcher.get_opcodes()
        if tag != "equal"
    )


def _reason(
    ranked: Sequence[tuple[tuple[int, int, int, int], Candidate]],
    num_passing: int,
    num_agreeing: int,
) -> str:
    if len(ranked) == 1:
        return "the only candidate that passed"
    first = ranked[0][0]
    second = ranked[1][0]
    if num_agreeing == num_passing:
        return f"all {num_passing} candidates that passed make the same code"
    if num_agreeing > 1:
        return f"{num_agreeing} of the candidates that passed make the same code"
    rules = (
        "",
        "it adds least complexity",
        "it is the smallest change",
        "the model ranked it first",
    )
    decided = next(i for i in range(4) if first[i] != second[i])
    return f"of {num_passing} candidates that passed, each different, {rules[decided]}"
