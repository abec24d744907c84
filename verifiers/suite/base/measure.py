"""Measuring the base: what its runs say together, what is red, and which of that is the target."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence

from verifiers.errors import BaseStateError
from verifiers.suite.running.observations import Observations, TestRecord
from verifiers.suite.running.runs import Result
from verifiers.suite.running.stages import Stage

from .baseline import RED, Baseline, Measured
from .comparing import OTHER_SEEDS, OtherRun, compare
from .outside import missing_note

_SHOWN = 3


def check_base_run(result: Result) -> None:
    """See that the suite ran at all.

    Raises:
        BaseStateError: it did not; `reason` says how.
    """
    seen = result.seen
    if result.stopped or result.timed_out:
        raise BaseStateError(_overrun_message(result), reason="suite_timeout")
    if seen.collection_errors and not seen.tests:
        raise BaseStateError(_collection_message(_uncollected(result)), reason="collection_failed")
    if result.out_of_memory and result.crashed:
        raise BaseStateError(
            "the tests of the base need more memory than they may have:"
            " let them need less, or raise SandboxLimits.memory_bytes",
            reason="collection_failed",
        )
    if result.crashed or (seen.end not in (0, 1, 5)):
        raise BaseStateError(
            f"pytest ended with status {result.status} on the base: {_tail(result)}",
            reason="collection_failed",
        )
    if not seen.tests:
        raise BaseStateError(
            "pytest finds no tests in the base: write one that fails, then run again",
            reason="no_tests",
        )


def observations_of(measured: Measured) -> Observations:
    """Which tests there are, and where, as a run would have said it."""
    tests = {test: TestRecord() for test in (*measured.outcomes, *sorted(measured.flaky))}
    return Observations(tests=tests, places=dict(measured.places))


def make_measured(
    arguments: Sequence[str],
    first: Result,
    others: Sequence[OtherRun],
    second: Result,
    *,
    warm: bool,
    stage: Stage,
    notes: Sequence[str] = (),
) -> Measured:
    """What all runs together say: `first` and `second` in the project's order, with hash seed 0."""
    compared = compare(first, others, second)
    orders = [one.order.arguments for one in others if one.order.seed == OTHER_SEEDS[0]]
    return Measured(
        arguments=tuple(arguments),
        outcomes=compared.stable,
        flaky=compared.flaky,
        order_dependent=compared.order_dependent,
        missing={},
        failures={t: f for t, f in first.seen.failures.items() if t in compared.stable},
        uncollected=_uncollected(first),
        places=first.seen.places,
        durations=second.seen.durations,
        seconds=second.seconds,
        warm=warm,
        stage=stage,
        modules=first.seen.modules,
        order=next(iter(orders), ()),
        num_cold_runs=1 + len(others),
        notes=tuple(notes),
    )


def make_baseline(
    measured: Measured, wanted: Sequence[str], modules: Mapping[str, frozenset[str]]
) -> Baseline:
    """The measure for candidates: what was seen of the base, and what is asked for.

    Raises:
        BaseStateError: nothing is red, or what was named is not red or not there.
    """
    red = [t for t, o in measured.outcomes.items() if o in RED and t not in measured.missing]
    if measured.uncollected and not wanted and not red:
        message = _collection_message(measured.uncollected)
        raise BaseStateError(message, reason="collection_failed")
    targets = _named(wanted, measured, red) if wanted else _all_red(red, measured)
    return Baseline(
        outcomes=measured.outcomes,
        flaky=measured.flaky,
        order_dependent=measured.order_dependent,
        missing=measured.missing,
        targets=tuple(targets),
        failures=measured.failures,
        uncollected=measured.uncollected,
        places=measured.places,
        durations=measured.durations,
        seconds=measured.seconds,
        warm=measured.warm,
        order=measured.order,
        num_cold_runs=measured.num_cold_runs,
        modules=modules,
        notes=measured.notes,
    )


def _all_red(red: list[str], measured: Measured) -> list[str]:
    if red:
        return red
    more = f" (flaky: {_some(sorted(measured.flaky))})" if measured.flaky else ""
    if measured.missing:
        raise BaseStateError(
            f"nothing is red that can be judged: {missing_note(measured.missing)}",
            reason="nothing_red",
        )
    raise BaseStateError(
        f"nothing is red: {_all_do(len(measured.outcomes))} what it should{more}; there is nothing to fix",
        reason="nothing_red",
    )


def _all_do(num_tests: int) -> str:
    return "the one test there is does" if num_tests == 1 else f"each of {num_tests} tests does"


def _named(wanted: Sequence[str], measured: Measured, red: list[str]) -> list[str]:
    targets: dict[str, None] = {}
    known = set(red)
    for name in wanted:
        covered = [test for test in measured.outcomes if _covers(name, test)]
        chosen = [test for test in covered if test in known]
        if not chosen:
            raise _no_target(name, covered, measured)
        targets |= dict.fromkeys(chosen)
    return list(targets)


def _no_target(name: str, covered: list[str], measured: Measured) -> BaseStateError:
    if not covered and (file := name.partition("::")[0]) in measured.uncollected:
        message = _collection_message({file: measured.uncollected[file]})
        return BaseStateError(message, reason="collection_failed")
    if not covered:
        return BaseStateError(_unknown_message(name, measured), reason="unknown_target")
    if missing := {test: f for test, f in measured.missing.items() if test in covered}:
        return BaseStateError(
            f"{name} cannot be judged here: {missing_note(missing)}", reason="target_not_red"
        )
    outcome = measured.outcomes[covered[0]]
    return BaseStateError(
        f"{name} is not red on the base: it is {outcome} in all of its runs",
        reason="target_not_red",
    )


def _covers(name: str, test: str) -> bool:
    return test == name or test.startswith((f"{name}::", f"{name}[", f"{name.rstrip('/')}/"))


def _unknown_message(name: str, measured: Measured) -> str:
    if any(_covers(name, test) for test in measured.order_dependent):
        return f"{name} does otherwise in another order of the tests, so it cannot prove anything"
    if any(_covers(name, test) for test in measured.flaky):
        return f"{name} is flaky: its runs on the base differ, so it cannot prove anything"
    near = difflib.get_close_matches(name, measured.outcomes, n=_SHOWN, cutoff=0.5)
    suite = _some(list(measured.outcomes))
    hint = f"did you mean {_some(near)}?" if near else f"the suite has {suite}"
    return f"there is no test {name} in the base: {hint}"


def _uncollected(result: Result) -> dict[str, str]:
    errors = result.seen.collection_errors.items()
    return {test: "".join(text.strip().splitlines()[-1:]).strip() for test, text in errors}


def _collection_message(uncollected: Mapping[str, str]) -> str:
    test, why = next(iter(uncollected.items()))
    more = f" (and {len(uncollected) - 1} more)" if len(uncollected) > 1 else ""
    return f"the tests of the base cannot be collected: {test}{more}: {why}"


def _overrun_message(result: Result) -> str:
    seen, within = result.seen, f"{result.seconds:.0f} s"
    if result.stopped == "flood":
        return "the tests of the base print without end: let them print less"
    if seen.end is not None:
        return (
            f"the tests of the base have run, but pytest took more than {within} to end:"
            " a thread or an exit handler of theirs goes on; end it"
        )
    if not seen.num_collected:
        return (
            f"to collect the tests of the base took more than {within}: see whether a module hangs"
            " when it is imported, or raise the limit with --suite-seconds"
        )
    return (
        f"the tests of the base took more than {within}, in which {len(seen.tests)} of"
        f" {seen.num_collected} ran: raise the limit with --suite-seconds"
    )


def _tail(result: Result) -> str:
    lines = [line for line in result.tail.splitlines() if line.strip()]
    errors = [number for number, line in enumerate(lines) if line.startswith("ERROR")]
    shown = lines[errors[-1] :][:_SHOWN] if errors else lines[-_SHOWN:]
    return " / ".join(shown) or "it said nothing"


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_SHOWN])
    return shown + (f", … ({len(names)} in all)" if len(names) > _SHOWN else "")
