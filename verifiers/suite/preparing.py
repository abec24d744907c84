"""Preparing a base: what is known of it, what is asked for, and everything that later runs need."""

from __future__ import annotations

from dataclasses import replace

import anyio

from verifiers.base import Snapshot

from .base.baseline import Baseline, Measured
from .base.cache import Cache
from .base.held_out import unseen
from .base.imports import ImportedFiles
from .base.knowing import Known, Wishes, know_base
from .base.measure import make_baseline, observations_of
from .base.preload import installed_modules
from .exam.proctor import Proctor
from .policy.policy import PathPolicy, make_policy
from .policy.test_files import plugin_files
from .prepared import Prepared, candidate_limits
from .running.limits import SuiteLimits
from .running.runs import Request
from .running.site import Site
from .running.steady import SteadyPool

_EXAM_PATIENCE = 4
"""Failing tests take longer, and whoever sits the exam has shown already that it comes to an end."""


async def prepare_base(
    snapshot: Snapshot, site: Site, wishes: Wishes, cache: Cache | None
) -> Prepared:
    """Find out what the tests of the base do, and say what that is worth.

    Raises:
        BaseStateError: the suite cannot be run, or is not red where it should be.
        SandboxError: the sandbox cannot be entered.
    """
    known = await know_base(snapshot, site, wishes, cache)
    try:
        baseline = wishes.hold_out.split(_baseline(snapshot, known.measured, wishes))
    except BaseException:
        with anyio.CancelScope(shield=True):
            await known.pool.aclose()
        raise
    return _prepared(snapshot, site, wishes.limits, known, baseline, cache)


def _prepared(
    snapshot: Snapshot,
    site: Site,
    limits: SuiteLimits,
    known: Known,
    baseline: Baseline,
    cache: Cache | None,
) -> Prepared:
    arguments = (*known.measured.arguments, *unseen(baseline))
    pool = SteadyPool(known.pool, site, limits.sandbox)
    return Prepared(
        site=site,
        pool=pool,
        measured=known.measured,
        baseline=baseline,
        policy=_policy(snapshot, site, known.measured),
        proctor=_proctor(snapshot, site, pool, baseline, arguments, limits),
        arguments=arguments,
        limits=limits,
        cache=cache,
        is_recalled=known.is_recalled,
        recalled_files=known.recalled_files,
    )


def _baseline(snapshot: Snapshot, measured: Measured, wishes: Wishes) -> Baseline:
    files = dict.fromkeys(test.partition("::")[0] for test in measured.outcomes)
    modules = ImportedFiles(snapshot, files, plugin_files(snapshot))
    return make_baseline(measured, wishes.targets, modules)


def _policy(snapshot: Snapshot, site: Site, measured: Measured) -> PathPolicy:
    installed = installed_modules(site.interpreter.paths)
    return make_policy(snapshot, observations_of(measured), installed)


def _proctor(
    snapshot: Snapshot,
    site: Site,
    pool: SteadyPool,
    baseline: Baseline,
    arguments: tuple[str, ...],
    limits: SuiteLimits,
) -> Proctor:
    whole = candidate_limits(limits, baseline, baseline.durations)
    seconds = min(limits.seconds, _EXAM_PATIENCE * whole.seconds)
    request = Request(limits=replace(whole, seconds=seconds), arguments=arguments)
    return Proctor(snapshot, site, pool, baseline, request)
