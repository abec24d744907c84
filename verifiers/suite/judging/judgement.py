"""From what one run showed to what it means for a candidate."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from verifiers.base import Finding
from verifiers.suite.base.baseline import Baseline
from verifiers.suite.running.runs import Result

_MOST_FINDINGS = 20
_MESSAGE_CHARS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """The outcome of one run, in one word, with its reasons."""

    outcome: str
    """`passed`, `failed`, `timeout`, `crash`, `memory`, `flood`, `tampered`."""
    findings: tuple[Finding, ...]
    failed: frozenset[str]
    """Tests that had to pass and did not."""

    @property
    def passed(self) -> bool:
        """True when all that was expected passed."""
        return self.outcome == "passed"


def judge(
    result: Result, expected: Collection[str], uncollected: Collection[str] = ()
) -> Judgement:
    """Every expected test has to run exactly once and pass, and the run has to come to its end.

    `uncollected` are files that the base cannot collect either: they are no news.
    """
    outcomes = result.seen.outcomes
    failed = frozenset(test for test in expected if outcomes.get(test) != "passed")
    findings = [*_run_findings(result, uncollected), *_test_findings(result, failed)]
    return Judgement(
        outcome=_outcome(result, failed), findings=tuple(findings[:_MOST_FINDINGS]), failed=failed
    )


def score(baseline: Baseline, judgement: Judgement, whole: bool) -> float:
    """1 for a pass; else below 0.9 by the share of targets that passed, halved when other tests broke."""
    if judgement.passed and whole:
        return 1.0
    if judgement.outcome == "tampered":
        return 0.0
    targets = set(baseline.targets)
    share = len(targets - judgement.failed) / max(1, len(targets))
    return 0.9 * share * (0.5 if judgement.failed - targets else 1.0)


def _outcome(result: Result, failed: frozenset[str]) -> str:
    seen = result.seen
    if result.stopped == "flood":
        return "flood"
    if result.timed_out:
        return "timeout"
    if seen.num_foreign or any(r.ran_once is False and r.finished > 1 for r in seen.tests.values()):
        return "tampered"
    if result.out_of_memory and (result.crashed or failed):
        return "memory"
    if result.crashed:
        return "crash"
    if not failed:
        return "passed"
    errors = {f.error for test in failed if (f := seen.failures.get(test))}
    if "TestTimeout" in errors:
        return "timeout"
    return "memory" if "MemoryError" in errors else "failed"


def _run_findings(result: Result, uncollected: Collection[str]) -> list[Finding]:
    found = []
    if result.stopped == "flood":
        found.append(_error("run.flood", "the tests printed more than they may"))
    elif result.timed_out:
        found.append(_error("run.timeout", f"stopped after {result.seconds:.1f} s"))
    elif result.out_of_memory:
        found.append(_error("run.memory", "the tests held more memory than they may"))
    elif result.crashed:
        found.append(
            _error("run.crash", f"the tests ended early (status {result.status}): {_last(result)}")
        )
    if result.seen.num_foreign:
        found.append(_error("run.foreign", "something else wrote to the observer's channel"))
    for test, text in result.seen.collection_errors.items():
        if test in uncollected:
            continue
        lines = text.strip().splitlines()
        found.append(
            _error("test.collection", f"{test}: {lines[-1] if lines else 'cannot be collected'}")
        )
    return found


def _test_findings(result: Result, failed: frozenset[str]) -> list[Finding]:
    found = []
    for test in sorted(failed):
        failure = result.seen.failures.get(test)
        if failure is not None:
            text = f"{test}: {failure.error}: {failure.message}"[:_MESSAGE_CHARS]
            found.append(_error("test.failed", text, failure.path, failure.line))
        elif test in result.seen.tests:
            outcome = result.seen.tests[test].outcome
            found.append(_error("test.not-passed", f"{test}: {outcome}, wanted passed"))
    if missing := sorted(failed - result.seen.tests.keys()):
        found.append(
            _error("test.not-run", f"{len(missing)} tests did not run, the first is {missing[0]}")
        )
    return found


def _error(kind: str, message: str, path: str = "", line: int = 0) -> Finding:
    return Finding(kind=kind, message=message, path=path, line=line, severity="error")


def _last(result: Result) -> str:
    lines = result.tail.strip().splitlines()
    return lines[-1][:_MESSAGE_CHARS] if lines else "nothing was printed"
