"""Measuring the base: two runs, what is stable, what is red, and which of that is the target."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence

from verifiers.errors import BaseStateError

from .baseline import RED, Baseline
from .runs import Result

_SHOWN = 3


def check_base_run(result: Result) -> None:
    """See that the suite ran at all.

    Raises:
        BaseStateError: it did not; `reason` says how.
    """
    seen = result.seen
    if result.stopped or result.timed_out:
        what = (
            "printed without end"
            if result.stopped == "flood"
            else f"took more than {result.seconds:.0f} s"
        )
        raise BaseStateError(
            f"the tests of the base {what}: name a smaller suite, or raise the limit",
            reason="suite_timeout",
        )
    if seen.collection_errors and not seen.tests:
        raise BaseStateError(_collection_message(_uncollected(result)), reason="collection_failed")
    if result.out_of_memory and result.crashed:
        raise BaseStateError(
            "the tests of the base need more memory than they may have:"
            " name a smaller suite, or raise the limit",
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


def make_baseline(first: Result, second: Result, wanted: Sequence[str], warm: bool) -> Baseline:
    """The measure, from two runs.

    Raises:
        BaseStateError: nothing is red, or what was named is not red or not there.
    """
    one, two = first.seen.outcomes, second.seen.outcomes
    uncollected = _uncollected(first)
    stable = {test: outcome for test, outcome in one.items() if two.get(test) == outcome}
    flaky = frozenset(one.keys() | two.keys()) - stable.keys()
    red = [test for test, outcome in stable.items() if outcome in RED]
    if uncollected and not wanted and not red:
        raise BaseStateError(_collection_message(uncollected), reason="collection_failed")
    return Baseline(
        outcomes=stable,
        flaky=flaky,
        targets=tuple(
            _named(wanted, stable, flaky, red, uncollected)
            if wanted
            else _all_red(red, flaky, stable)
        ),
        failures={test: f for test, f in first.seen.failures.items() if test in stable},
        uncollected=uncollected,
        places=first.seen.places,
        durations=second.seen.durations,
        seconds=second.seconds,
        warm=warm,
    )


def _all_red(red: list[str], flaky: frozenset[str], stable: dict[str, str]) -> list[str]:
    if red:
        return red
    more = f" (flaky: {_some(sorted(flaky))})" if flaky else ""
    raise BaseStateError(
        f"nothing is red: {_all_do(len(stable))} what it should{more}; there is nothing to fix",
        reason="nothing_red",
    )


def _all_do(num_tests: int) -> str:
    return "the one test there is does" if num_tests == 1 else f"each of {num_tests} tests does"


def _named(
    wanted: Sequence[str],
    stable: dict[str, str],
    flaky: frozenset[str],
    red: list[str],
    uncollected: Mapping[str, str],
) -> list[str]:
    targets: list[str] = []
    for name in wanted:
        covered = [test for test in stable if _covers(name, test)]
        if not covered and (file := name.partition("::")[0]) in uncollected:
            message = _collection_message({file: uncollected[file]})
            raise BaseStateError(message, reason="collection_failed")
        if not covered:
            raise BaseStateError(_unknown_message(name, stable, flaky), reason="unknown_target")
        chosen = [test for test in covered if test in red]
        if not chosen:
            raise BaseStateError(
                f"{name} is not red on the base: it is {stable[covered[0]]} in both runs",
                reason="target_not_red",
            )
        targets += [test for test in chosen if test not in targets]
    return targets


def _covers(name: str, test: str) -> bool:
    return test == name or test.startswith((f"{name}::", f"{name}[", f"{name.rstrip('/')}/"))


def _unknown_message(name: str, stable: dict[str, str], flaky: frozenset[str]) -> str:
    if any(_covers(name, test) for test in flaky):
        return f"{name} is flaky: its two runs on the base differ, so it cannot prove anything"
    near = difflib.get_close_matches(name, stable, n=_SHOWN, cutoff=0.5)
    hint = f"did you mean {_some(near)}?" if near else f"the suite has {_some(list(stable))}"
    return f"there is no test {name} in the base: {hint}"


def _uncollected(result: Result) -> dict[str, str]:
    errors = result.seen.collection_errors.items()
    return {test: "".join(text.strip().splitlines()[-1:]).strip() for test, text in errors}


def _collection_message(uncollected: Mapping[str, str]) -> str:
    test, why = next(iter(uncollected.items()))
    more = f" (and {len(uncollected) - 1} more)" if len(uncollected) > 1 else ""
    return f"the tests of the base cannot be collected: {test}{more}: {why}"


def _tail(result: Result) -> str:
    return " / ".join(result.tail.strip().splitlines()[-_SHOWN:]) or "it said nothing"


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_SHOWN])
    return shown + (f", … ({len(names)} in all)" if len(names) > _SHOWN else "")
