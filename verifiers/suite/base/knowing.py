"""What is known of a base: measured now, or recalled from an earlier run of winnow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import anyio
import anyio.to_thread

from verifiers.base import Snapshot
from verifiers.suite.policy.policy import make_policy
from verifiers.suite.running.limits import SuiteLimits
from verifiers.suite.running.observations import Observations
from verifiers.suite.running.pool import SuitePool
from verifiers.suite.running.runs import Request
from verifiers.suite.running.site import Site

from .base_runs import OtherRuns, first_run, warm_run
from .baseline import RED, Measured
from .cache import Cache, Entry
from .compiled import compiled_files
from .held_out import HoldOut
from .measure import make_measured, observations_of
from .outside import missing_note, passing_outside
from .preload import modules_to_preload


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """How a base is to be prepared."""

    limits: SuiteLimits
    targets: Sequence[str] = ()
    hold_out: HoldOut = field(default_factory=HoldOut)
    workers: int = 1
    look_outside: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the runs of the base showed, and servers for more runs."""

    measured: Measured
    pool: SuitePool
    is_recalled: bool = False
    recalled_files: tuple[str, ...] = ()
    """Compiled files in the site's tree that were not made now."""


async def know_base(snapshot: Snapshot, site: Site, wishes: Wishes, cache: Cache | None) -> Known:
    """Recall the base, or run its tests. The caller closes the pool.

    Raises:
        BaseStateError: the suite cannot be run.
        SandboxError: the sandbox cannot be entered.
    """
    if cache is None:
        return await _measure(snapshot, site, wishes)
    entry = await anyio.to_thread.run_sync(cache.load)
    if entry is not None:
        return await _recall(snapshot, site, wishes, cache, entry)
    known = await _measure(snapshot, site, wishes)
    await anyio.to_thread.run_sync(cache.save, known.measured, snapshot, site)
    return known


async def _recall(
    snapshot: Snapshot, site: Site, wishes: Wishes, cache: Cache, entry: Entry
) -> Known:
    measured, files = entry.measured, tuple[str, ...]()
    if await anyio.to_thread.run_sync(cache.restore_compiled, entry, snapshot, site):
        files = tuple(path.relative_to(site.tree).as_posix() for path in compiled_files(site.tree))
    else:  # the tree was written anew: its compiled files would not be taken for fresh ones
        await first_run(snapshot, site, wishes.limits)
        await anyio.to_thread.run_sync(cache.save, measured, snapshot, site)
    seen = observations_of(measured)
    pool = _pool(snapshot, site, wishes, measured.arguments, measured.modules, seen)
    pool.warm = pool.warm and measured.warm
    await pool.settle_on(measured.stage)
    return Known(measured=measured, pool=pool, is_recalled=True, recalled_files=files)


async def _measure(snapshot: Snapshot, site: Site, wishes: Wishes) -> Known:
    deadline = anyio.current_time() + wishes.limits.baseline_seconds
    first = await first_run(snapshot, site, wishes.limits)
    others = OtherRuns(
        site=site,
        request=first.request,
        limits=wishes.limits,
        first=first.result,
        deadline=deadline,
        workers=wishes.workers,
    )
    await others.run()
    arguments = tuple(first.request.arguments)
    seen = first.result.seen
    pool = _pool(snapshot, site, wishes, arguments, seen.modules, seen)
    try:
        second = await warm_run(pool, site, first, wishes.limits)
        notes = (*first.notes, *others.notes)
        measured = make_measured(
            arguments,
            first.result,
            others.made,
            second,
            warm=pool.warm,
            stage=pool.stage,
            notes=notes,
        )
        measured = await _without_missing(measured, site, first.request, wishes)
    except BaseException:
        with anyio.CancelScope(shield=True):
            await pool.aclose()
        raise
    return Known(measured=measured, pool=pool)


async def _without_missing(
    measured: Measured, site: Site, request: Request, wishes: Wishes
) -> Measured:
    """Red tests that pass outside of the sandbox are named."""
    red = {t: f for t, f in measured.failures.items() if measured.outcomes.get(t) in RED}
    if not wishes.look_outside or not red:
        return measured
    missing = await passing_outside(site, request, red, wishes.limits.sandbox)
    notes = (missing_note(missing),) if missing else ()
    return replace(measured, missing=missing, notes=(*measured.notes, *notes))


def _pool(
    snapshot: Snapshot,
    site: Site,
    wishes: Wishes,
    arguments: tuple[str, ...],
    modules: Mapping[str, str],
    seen: Observations,
) -> SuitePool:
    return SuitePool(
        site,
        wishes.limits.sandbox,
        modules_to_preload(modules, site.interpreter.paths, site.place),
        wishes.workers,
        arguments,
        make_policy(snapshot, seen, ()).protects,
    )
