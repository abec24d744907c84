"""From judgements to the verdicts of the tests verifier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from verifiers.base import Finding, Level, Verdict
from verifiers.suite.base.baseline import Baseline
from verifiers.suite.running.runs import Result

from .judgement import Judgement, score

NAME = "tests"


def verdict_of(
    baseline: Baseline,
    found: Judgement,
    result: Result,
    level: Level,
    phases: Mapping[str, float],
    *,
    whole: bool,
    more: Sequence[Finding] = (),
    command: str = "",
) -> Verdict:
    """The verdict on a change.

    Args:
        phases: seconds of each step so far, by its name.
        whole: all tests that count were run.
        more: findings besides those of the judgement.
        command: what a person types to repeat the run.
    """
    retried = [Finding(kind="run.again", message=said) for said in result.attempts]
    return Verdict(
        verifier=NAME,
        passed=found.passed and whole,
        score=score(baseline, found, whole),
        outcome=found.outcome,
        level=level,
        findings=(*found.findings, *more, *retried),
        seconds=sum(phases.values()),
        phases=phases,
        tests=result.seen.outcomes,
        command=command,
    )


def refusal(outcome: str, findings: Sequence[Finding], level: Level) -> Verdict:
    """The verdict on a change that is not run."""
    return Verdict(
        verifier=NAME,
        passed=False,
        score=0.0,
        outcome=outcome,
        level=level,
        findings=tuple(findings),
    )
