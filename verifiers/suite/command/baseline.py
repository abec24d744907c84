"""What a command says of the base tree, from two runs; or why nothing can be judged with it."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence

from verifiers.errors import BaseStateError
from verifiers.suite.base.baseline import RED, Baseline
from verifiers.suite.running.runs import Result

from .words import CommandLine

_CANNOT_START = (126, 127)
_SHOWN = 3


def check_command_run(command: CommandLine, result: Result) -> None:
    """See that the command did its work on the base, red or green.

    Raises:
        BaseStateError: it did not; the message says how.
    """
    name = command.name
    if result.stopped or result.timed_out:
        flood = f"`{name}` prints without end on the base: let it print less"
        slow = f"`{name}` took more than {result.seconds:.0f} s on the base: test less, or raise the limit"
        raise BaseStateError(flood if result.stopped == "flood" else slow, reason="suite_timeout")
    if result.status in _CANNOT_START:
        raise BaseStateError(
            f"`{name}` cannot be started (status {result.status}): {_tail(result)}. The sandbox shows the tree, the system's "
            "folders and the project's interpreter, no home: install what it needs system-wide",
            reason="collection_failed",
        )
    if result.out_of_memory:
        raise BaseStateError(
            f"`{name}` needs more memory on the base than it may have: test less, or raise the limit",
            reason="collection_failed",
        )
    if problem := result.seen.collection_errors.get(name):
        raise BaseStateError(
            f"`{name}` ended with {result.status} on the base, but {problem}", reason="no_tests"
        )


def make_command_baseline(
    command: CommandLine, first: Result, second: Result, wanted: Sequence[str]
) -> Baseline:
    """The measure, from two runs.

    Raises:
        BaseStateError: nothing is red, the two runs differ, or what was named is not red or not there.
    """
    one, two = first.seen.outcomes, second.seen.outcomes
    stable = {test: outcome for test, outcome in one.items() if two.get(test) == outcome}
    flaky = frozenset(one.keys() | two.keys()) - stable.keys()
    return Baseline(
        outcomes=stable,
        flaky=flaky,
        targets=_targets(command, stable, flaky, wanted),
        failures={test: f for test, f in first.seen.failures.items() if test in stable},
        places={},
        durations=second.seen.durations,
        seconds=second.seconds,
        warm=False,
    )


def _targets(
    command: CommandLine, stable: Mapping[str, str], flaky: frozenset[str], wanted: Sequence[str]
) -> tuple[str, ...]:
    if wanted:
        return tuple(
            dict.fromkeys(t for name in wanted for t in _named(name, command, stable, flaky))
        )
    red = tuple(test for test, outcome in stable.items() if outcome in RED)
    if red:
        return red
    if flaky:
        raise BaseStateError(
            f"`{command.name}` is flaky on the base: of two runs {_some(sorted(flaky))} passed in one only, "
            "so that it cannot prove anything",
            reason="flaky",
        )
    raise BaseStateError(
        f"nothing is red: `{command.name}` ends with 0 on the base; there is nothing to fix",
        reason="nothing_red",
    )


def _named(
    name: str, command: CommandLine, stable: Mapping[str, str], flaky: frozenset[str]
) -> list[str]:
    covered = [test for test in stable if test == name or test.startswith(f"{name}::")]
    if any(test == name or test.startswith(f"{name}::") for test in flaky) and not covered:
        raise BaseStateError(
            f"{name} is flaky: its two runs on the base differ, so it cannot prove anything",
            reason="flaky",
        )
    if not covered:
        tests = [test for test in stable if test != command.name]
        near = difflib.get_close_matches(name, tests, n=_SHOWN, cutoff=0.5)
        hint = f"did you mean {_some(near)}?" if near else f"it has {_some(tests)}"
        raise BaseStateError(
            f"there is no test {name} in the report of the base: {hint}", reason="unknown_target"
        )
    red = [test for test in covered if stable[test] in RED]
    if not red:
        raise BaseStateError(
            f"{name} is not red on the base: it is {stable[covered[0]]} in both runs",
            reason="target_not_red",
        )
    return red


def _tail(result: Result) -> str:
    return " / ".join(result.tail.strip().splitlines()[-_SHOWN:]) or "it said nothing"


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_SHOWN]) or "none"
    return shown + (f", … ({len(names)} in all)" if len(names) > _SHOWN else "")
