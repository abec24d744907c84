"""The last word on a change: the whole suite once more from nothing, in another order, with another hash seed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

import anyio

from verifiers.base import Change, Finding, Verdict

from .base.baseline import kind_of
from .base.comparing import OTHER_SEEDS
from .base.held_out import held_out_files, unseen
from .base.order import Order, command_line
from .judging.flakes import look_closer, suspects_of, suspects_only
from .judging.judgement import Judgement, judge
from .judging.verdicts import verdict_of
from .prepared import Prepared
from .running.cold import run_cold
from .running.runs import Request, Result

HASH_SEED = OTHER_SEEDS[0]


async def confirm_from_nothing(
    ready: Prepared, change: Change, phases: Mapping[str, float]
) -> Verdict:
    """The verdict of level `confirmed`, or `held_out` where tests are held out; those run last.

    Args:
        phases: seconds that proving the change took so far.

    Raises:
        SandboxError: the sandbox cannot be entered.
    """
    started, request = anyio.current_time(), _request(ready, change)
    found, result, more = await _run_whole(ready, request)
    phases = {**phases, "confirmed": anyio.current_time() - started}
    if found.passed and ready.baseline.held_out:
        return await _hold_to(ready, request, phases)
    command = command_line(request, HASH_SEED)
    return verdict_of(
        ready.baseline,
        found,
        result,
        "confirmed",
        phases,
        whole=True,
        more=more,
        command=command,
    )


async def still_holds(ready: Prepared) -> bool:
    """True when the base, run from nothing, does what an earlier run of winnow saw, its compiled files left out.

    Raises:
        SandboxError: the sandbox cannot be entered.
    """
    known = ready.measured.with_flaky(ready.baseline.flaky)
    request = replace(
        ready.request(None),
        arguments=known.arguments,
        tests=known.order,
        files=dict.fromkeys(ready.recalled_files),
    )
    seen = (await _run(ready, request)).seen.outcomes
    return all(
        kind_of(seen.get(test, "")) == kind_of(known.outcomes[test]) for test in known.outcomes
    )


def _request(ready: Prepared, change: Change) -> Request:
    """In the order in which the base was seen to pass what has to pass."""
    order = Order(seed=HASH_SEED, arguments=ready.baseline.order)
    request = ready.request(change)
    files = {**dict.fromkeys(ready.recalled_files), **request.files}
    tests = order.without(unseen(ready.baseline)).arguments
    return replace(request, tests=tests, files=files)


async def _run_whole(
    ready: Prepared, request: Request
) -> tuple[Judgement, Result, tuple[Finding, ...]]:
    found, result = await _judged(ready, request, ready.baseline.must_pass)
    suspects = suspects_of(found, result, ready.baseline.targets)
    if not suspects:
        return found, result, ()
    changed = suspects_only(request, suspects)
    base = replace(changed, files=dict.fromkeys(ready.recalled_files))
    doubts = await look_closer(lambda one: _run(ready, one), changed, base)
    await ready.add_flaky(doubts.flaky)
    if doubts.cleared:
        found, result = await _judged(ready, request, ready.baseline.must_pass)
    return found, result, doubts.findings


async def _hold_to(ready: Prepared, request: Request, phases: Mapping[str, float]) -> Verdict:
    baseline = ready.baseline
    hiding = set(unseen(baseline))
    arguments = tuple(a for a in request.arguments if a not in hiding)
    request = replace(request, arguments=arguments, tests=held_out_files(baseline))
    found, result = await _judged(ready, request, baseline.held_out)
    phases = {**phases, "held_out": result.seconds}
    command = command_line(request, HASH_SEED)
    return verdict_of(baseline, found, result, "held_out", phases, whole=True, command=command)


async def _judged(
    ready: Prepared, request: Request, expected: Collection[str]
) -> tuple[Judgement, Result]:
    result = await _run(ready, request)
    return judge(result, expected, ready.baseline.uncollected), result


async def _run(ready: Prepared, request: Request) -> Result:
    return await run_cold(ready.site, request, ready.limits.sandbox, hash_seed=HASH_SEED)
