"""Judging a change on warm servers: targets first, then the whole suite."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from verifiers.base import Change, Finding, Verdict

from .judging.flakes import Doubts, look_closer, suspects_of, suspects_only
from .judging.judgement import Judgement, judge
from .judging.verdicts import verdict_of
from .prepared import Prepared
from .running.runs import Request, Result

_FEW_TARGETS, _MOST_NAMED = 5, 200


async def observe(ready: Prepared, change: Change) -> Verdict:
    """The verdict of level `observed`; the first failure that counts ends it.

    Raises:
        SandboxError: the sandbox cannot be entered.
    """
    phases: dict[str, float] = {}
    if len(ready.targets) <= _MOST_NAMED and not ready.is_told_by_targets:
        found, result = await _run_targets(ready, change)
        phases["targets"] = result.seconds
        if not found.passed:
            return verdict_of(ready.baseline, found, result, "observed", phases, whole=False)
    found, result, more = await _run_whole(ready, change)
    phases["whole"] = result.seconds
    if found.outcome == "failed" and found.failed & set(ready.targets):
        found = judge(result, ready.targets, ready.baseline.uncollected)  # the rest did not run
    return verdict_of(ready.baseline, found, result, "observed", phases, whole=True, more=more)


async def _run_targets(ready: Prepared, change: Change) -> tuple[Judgement, Result]:
    targets = ready.targets
    request = replace(ready.request_of(change, targets), stop=len(targets) > _FEW_TARGETS)
    return await _run(ready, request, targets)


async def _run_whole(
    ready: Prepared, change: Change
) -> tuple[Judgement, Result, tuple[Finding, ...]]:
    few = ready.targets if len(ready.targets) <= _FEW_TARGETS else ()
    request = replace(ready.whole(change, stop=True), finish=few)
    found, result = await _run(ready, request, ready.baseline.must_pass)
    suspects = suspects_of(found, result, ready.baseline.targets)
    if not suspects:
        return found, result, ()
    doubts = await _weigh(ready, change, suspects)
    await ready.add_flaky(doubts.flaky)
    if doubts.cleared:
        request = ready.whole(change, stop=False)
        found, result = await _run(ready, request, ready.baseline.must_pass)
    return found, result, doubts.findings


async def _weigh(ready: Prepared, change: Change, suspects: tuple[str, ...]) -> Doubts:
    changed = ready.request_of(change, suspects)
    base = suspects_only(replace(changed, files={}), suspects)
    return await look_closer(ready.pool.run, changed, base)


async def _run(
    ready: Prepared, request: Request, expected: Collection[str]
) -> tuple[Judgement, Result]:
    result = await ready.pool.run(request)
    found = judge(result, expected, ready.baseline.uncollected)
    ready.kills.add(found.failed & result.seen.tests.keys())
    return found, result
