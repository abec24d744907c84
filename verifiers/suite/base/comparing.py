"""Several runs of the same tests held against each other: what is stable, what comes and goes, what only the order decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from verifiers.suite.running.runs import Result

from .baseline import kind_of
from .order import Order

OTHER_SEEDS = (1, 2)
"""Of the shuffles and the hashes of the further cold runs. The first is that of every confirmation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherRun:
    """A further cold run. Where its order is empty, only the hash seed was another one."""

    order: Order
    result: Result


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """The tests of all runs, sorted out."""

    stable: Mapping[str, str]
    """Test id -> outcome of the first run; red for another reason is still red."""
    flaky: frozenset[str]
    order_dependent: frozenset[str]
    """Those of the flaky ones that do the same in every run in the project's order, the hash seeds of the others included."""


def compare(first: Result, others: Sequence[OtherRun], second: Result) -> Compared:
    """Hold runs against each other; `first` and `second` are in the project's order.

    Tests that are only there when files are named one by one are no part of the suite, and in none of the tables.
    """
    usual = [first, second, *(one.result for one in others if not one.order.arguments)]
    mixed = [one for one in others if one.order.arguments]
    runs = [_kinds(run) for run in (*usual, *(one.result for one in mixed))]
    suite = {test: None for run in usual for test in run.seen.tests}
    flaky = {test for test in suite if len({run.get(test) for run in runs}) > 1}
    outcomes = first.seen.outcomes
    controlled = {one.order.seed for one in others if not one.order.arguments}
    steady = [test for test in flaky if _agree(test, usual)]
    return Compared(
        stable={test: outcomes[test] for test in suite if test not in flaky},
        flaky=frozenset(flaky),
        order_dependent=frozenset(
            test for test in steady if _seeds_of_change(test, first, mixed) <= controlled
        ),
    )


def _kinds(run: Result) -> dict[str, str]:
    return {test: kind_of(outcome) for test, outcome in run.seen.outcomes.items()}


def _agree(test: str, runs: Sequence[Result]) -> bool:
    records = [run.seen.tests.get(test) for run in runs]
    return len({kind_of(record.outcome if record else "") for record in records}) == 1


def _seeds_of_change(test: str, first: Result, mixed: Sequence[OtherRun]) -> set[int]:
    """Seeds of the runs in which a test did otherwise than in the first."""
    return {one.order.seed for one in mixed if not _agree(test, [first, one.result])}
