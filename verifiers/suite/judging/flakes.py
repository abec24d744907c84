"""Tests that broke under a change and may be flaky: one more try, and then the base has to show that it flakes too.

A change that is run until it passes passes in the end, one of many changes all the sooner. So a test that fails once and then
passes counts as failed, unless the base, which the change is no part of, fails it in one of five runs as well.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, replace
from typing import TypeAlias

from verifiers.base import Finding
from verifiers.suite.running.runs import Request, Result

from .judgement import Judgement

MOST_SUSPECTS = 5
"""A change that breaks more tests than that broke them."""
BASE_RUNS = 5

Run: TypeAlias = Callable[[Request], Awaitable[Result]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubts:
    """What became of the suspects."""

    flaky: frozenset[str] = frozenset()
    """Those that the base fails too, now and then."""
    cleared: bool = False
    """True when that goes for all of them: the change may run once more, without them."""
    findings: tuple[Finding, ...] = ()
    """Every attempt."""


def suspects_of(found: Judgement, result: Result, targets: Collection[str]) -> tuple[str, ...]:
    """The tests that broke, if they are few, none of them is a target, and nothing else is wrong."""
    broken = sorted(test for test in found.failed if test in result.seen.tests)
    if found.outcome not in ("failed", "timeout") or result.timed_out or result.stopped:
        return ()
    if not 0 < len(broken) <= MOST_SUSPECTS or set(broken) & set(targets):
        return ()
    return tuple(broken)


async def look_closer(run: Run, changed: Request, base: Request) -> Doubts:
    """Run the suspects once more with the change; if they pass then, five times without it.

    Args:
        changed: asks for the suspects, with the change in place.
        base: asks for them without it.
    """
    tests = tuple(changed.tests)
    again = (await run(changed)).seen.outcomes
    still = [test for test in tests if again.get(test) != "passed"]
    if still:
        return Doubts(findings=tuple(_still_failing(test) for test in still))
    runs = [(await run(base)).seen.outcomes for _ in range(BASE_RUNS)]
    failures = {test: sum(one.get(test) != "passed" for one in runs) for test in tests}
    flaky = frozenset(test for test, count in failures.items() if count)
    return Doubts(
        flaky=flaky,
        cleared=flaky == set(tests),
        findings=tuple(_weighed(test, count) for test, count in failures.items()),
    )


def suspects_only(request: Request, suspects: tuple[str, ...]) -> Request:
    """The same request for a few tests."""
    return replace(request, tests=suspects, first=(), stop=False)


def _still_failing(test: str) -> Finding:
    message = f"{test}: failed in the suite, and again when it was run once more"
    return Finding(kind="test.rerun", message=message, severity="note")


def _weighed(test: str, num_failures: int) -> Finding:
    said = f"{test}: failed in the suite, passed when it was run once more"
    if num_failures:
        message = f"{said}; the base fails it in {num_failures} of {BASE_RUNS} runs: it is flaky, and counts for nothing"
        return Finding(kind="test.flaky", message=message, severity="note")
    message = f"{said}; the base passes it in {BASE_RUNS} of {BASE_RUNS} runs, so it counts as failed: a race?"
    return Finding(kind="test.flaky-suspect", message=message, severity="error")
