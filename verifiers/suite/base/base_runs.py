"""Running the tests of a clean base: again and again, from nothing and warm, in other orders and with other hash seeds."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import anyio

from verifiers.base import Snapshot
from verifiers.errors import SandboxError
from verifiers.suite.running.arguments import arguments_for
from verifiers.suite.running.cold import run_cold
from verifiers.suite.running.limits import SuiteLimits, suite_limits
from verifiers.suite.running.pool import SuitePool
from verifiers.suite.running.runs import Request, Result
from verifiers.suite.running.site import Site
from verifiers.suite.running.stages import Stage

from .comparing import OTHER_SEEDS, OtherRun
from .measure import check_base_run
from .order import Order, shuffled

_GO_ON = "--continue-on-collection-errors"


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstRun:
    """The run that shows how the tests can be run at all."""

    request: Request
    result: Result
    notes: tuple[str, ...]
    """What of the project's own options is left out."""


async def first_run(snapshot: Snapshot, site: Site, limits: SuiteLimits) -> FirstRun:
    """Cold, hash seed 0, as the project has it. The compiled files that it makes are kept.

    Files that cannot be collected end a run of pytest; if there are others, it goes on without them.

    Raises:
        BaseStateError: the suite cannot be run.
        SandboxError: the sandbox cannot be entered.
    """
    arguments = arguments_for(snapshot, site.interpreter.plugins)
    request = Request(limits=suite_limits(limits), arguments=arguments.options, modules=True)
    result = await run_cold(site, request, limits.sandbox, hash_seed=0, keep="compiled")
    if result.seen.collection_errors:
        request = replace(request, arguments=(*arguments.options, _GO_ON))
        result = await run_cold(site, request, limits.sandbox, hash_seed=0, keep="compiled")
    check_base_run(result)
    return FirstRun(request=request, result=result, notes=arguments.notes)


async def warm_run(pool: SuitePool, site: Site, first: FirstRun, limits: SuiteLimits) -> Result:
    """On a warm server that does as much ahead as changes no outcome of the first run.

    Where the suite does not survive that at all, it runs cold, and the pool is cold from then on.

    Raises:
        SandboxError: the sandbox cannot be entered.
    """
    request, found = replace(first.request, modules=False), dict[int, tuple[Stage, Result]]()
    wanted = first.result.seen.outcomes
    while pool.warm:
        result = await _tried(pool, request)
        if result is not None:
            outcomes = result.seen.outcomes
            num_other = sum(outcomes.get(test) != wanted[test] for test in wanted)
            found.setdefault(num_other, (pool.stage, result))
            if not num_other:
                break
        if pool.stage == "imports" or not await pool.settle_for_less():
            break
    if found:  # tests that come and go may differ at every stage
        stage, result = found[min(found)]
        await pool.settle_on(stage)
        return result
    pool.warm = False  # something in the suite does not survive a fork: every run starts cold
    await pool.aclose()
    return await run_cold(site, request, limits.sandbox, hash_seed=1)


async def _tried(pool: SuitePool, request: Request) -> Result | None:
    try:
        result = await pool.run(request)
    except SandboxError:
        return None
    return None if result.crashed or result.stopped else result


@dataclass(slots=True, kw_only=True)
class OtherRuns:
    """Further cold runs, as many as time allows.

    Args:
        first: the run whose tests these are.
        deadline: of the clock of the event loop, in seconds; no run is begun that would end after it.
        workers: runs at a time.
    """

    site: Site
    request: Request
    limits: SuiteLimits
    first: Result
    deadline: float
    workers: int
    made: list[OtherRun] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    async def run(self) -> None:
        """In other orders, with other hash seeds; then, for what did otherwise there, in the project's order with the same.

        Raises:
            SandboxError: the sandbox cannot be entered.
        """
        tests = list(self.first.seen.tests)
        await self._all([shuffled(tests, seed) for seed in OTHER_SEEDS])
        if len(self.made) < len(OTHER_SEEDS) and not self.notes:
            self.notes.append(
                f"the base ran {1 + len(self.made)} of {1 + len(OTHER_SEEDS)} times from nothing, for the limit of"
                f" {self.limits.baseline_seconds:g} s: tests that come and go may be taken for stable ones"
            )
        changed = [one.order for one in self.made if one.order.arguments and self._differs(one)]
        await self._all([Order(seed=order.seed) for order in changed])
        self.made.sort(key=lambda one: (not one.order.arguments, one.order.seed))

    async def _all(self, orders: list[Order]) -> None:
        limiter = anyio.CapacityLimiter(self.workers)
        async with anyio.create_task_group() as group:
            for order in orders:
                group.start_soon(self._one, order, limiter)

    async def _one(self, order: Order, limiter: anyio.CapacityLimiter) -> None:
        async with limiter:
            if anyio.current_time() + self.first.seconds > self.deadline:
                return
            request = replace(self.request, modules=False, tests=order.arguments)
            sandbox = self.limits.sandbox
            result = await run_cold(self.site, request, sandbox, hash_seed=order.seed)
        if self._is_whole(result):
            self.made.append(OtherRun(order=order, result=result))
        elif order.arguments:  # named one by one, these are other tests, or none
            await self._one(Order(seed=order.seed), limiter)
        elif _came_to_its_end(result):
            self.made.append(OtherRun(order=order, result=result))
        else:
            self.notes.append(
                f"a run of the base with hash seed {order.seed} ended early (status {result.status}): it was left out"
            )

    def _is_whole(self, result: Result) -> bool:
        """True when it came to its end, and each test of the first run is in it."""
        seen, wanted = result.seen.tests, self.first.seen.tests
        return _came_to_its_end(result) and all(
            test in seen and seen[test].ran_once >= wanted[test].ran_once for test in wanted
        )

    def _differs(self, run: OtherRun) -> bool:
        ours, first = run.result.seen.outcomes, self.first.seen.outcomes
        return any(ours[test] != outcome for test, outcome in first.items())


def _came_to_its_end(result: Result) -> bool:
    return not result.stopped and not result.crashed and result.seen.end in (0, 1)
