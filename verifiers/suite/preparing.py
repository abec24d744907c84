"""Preparing a base: one cold run, one on a warm server, and everything that later runs need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import anyio

from verifiers.base import Snapshot
from verifiers.errors import SandboxError

from .arguments import arguments_for
from .baseline import Baseline
from .cold import run_cold
from .held_out import HoldOut, unseen
from .limits import SuiteLimits
from .measure import check_base_run, make_baseline
from .policy import make_policy
from .pool import SuitePool
from .preload import installed_modules, modules_to_preload
from .prepared import Prepared, candidate_limits, suite_limits
from .proctor import Proctor
from .runs import Request, Result
from .site import Site

_EXAM_PATIENCE = 4
"""Failing tests take longer, and whoever sits the exam has shown already that it comes to an end."""
_GO_ON = "--continue-on-collection-errors"


async def prepare_base(
    snapshot: Snapshot,
    site: Site,
    *,
    limits: SuiteLimits,
    wanted: Sequence[str],
    hold_out: HoldOut,
    workers: int,
) -> Prepared:
    """Run the suite of the base twice, and say what it is worth.

    Raises:
        BaseStateError: the suite cannot be run, or is not red where it should be.
        SandboxError: the sandbox cannot be entered.
    """
    request, first = await _first_run(snapshot, site, limits)
    paths = site.interpreter.paths
    preload = modules_to_preload(first.seen.modules, paths, site.place)
    pool = SuitePool(site, limits.sandbox, preload, workers)
    try:
        second = await _second_run(pool, site, request, limits)
        baseline = hold_out.split(make_baseline(first, second, wanted, pool.warm))
    except BaseException:
        with anyio.CancelScope(shield=True):
            await pool.aclose()
        raise
    arguments = (*request.arguments, *unseen(baseline))
    return Prepared(
        site=site,
        pool=pool,
        baseline=baseline,
        policy=make_policy(snapshot, first.seen, installed_modules(paths)),
        proctor=_proctor(snapshot, site, pool, baseline, arguments, limits),
        arguments=arguments,
        limits=limits,
    )


async def _first_run(snapshot: Snapshot, site: Site, limits: SuiteLimits) -> tuple[Request, Result]:
    """Cold. Files that cannot be collected end a run of pytest; if there are others, it goes on without them."""
    arguments = arguments_for(snapshot, site.interpreter.plugins)
    request = Request(limits=suite_limits(limits), arguments=arguments, modules=True)
    result = await run_cold(site, request, limits.sandbox, hash_seed=0, keep="compiled")
    if result.seen.collection_errors:
        request = replace(request, arguments=(*arguments, _GO_ON))
        result = await run_cold(site, request, limits.sandbox, hash_seed=0, keep="compiled")
    check_base_run(result)
    return request, result


async def _second_run(pool: SuitePool, site: Site, request: Request, limits: SuiteLimits) -> Result:
    request = replace(request, modules=False)
    try:
        result = await pool.run(request)
        if not result.crashed and not result.stopped:
            return result
    except SandboxError:
        pass
    pool.warm = False  # something in the suite does not survive a fork: every run starts cold
    await pool.aclose()
    return await run_cold(site, request, limits.sandbox, hash_seed=1)


def _proctor(
    snapshot: Snapshot,
    site: Site,
    pool: SuitePool,
    baseline: Baseline,
    arguments: tuple[str, ...],
    limits: SuiteLimits,
) -> Proctor:
    whole = candidate_limits(limits, baseline, baseline.durations)
    seconds = min(limits.seconds, _EXAM_PATIENCE * whole.seconds)
    request = Request(limits=replace(whole, seconds=seconds), arguments=arguments)
    return Proctor(snapshot, site, pool, baseline, request)
