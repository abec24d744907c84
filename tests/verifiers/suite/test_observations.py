from __future__ import annotations

import json

from hypothesis import given, strategies as st

from verifiers.suite.running.observations import printable, read_observations

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
KINDS = ["begin", "report", "finished", "collected", "collect_error", "modules", "trace", "end"]


def lines(*events: list[object]) -> bytes:
    return b"".join(json.dumps(["n", *event]).encode() + b"\n" for event in events)


def one_test(outcome: str = "passed", name: str = "t") -> list[list[object]]:
    phases: list[list[object]] = [
        ["report", name, p, "passed", False, 0.1, None] for p in ("setup", "call", "teardown")
    ]
    phases[1][3] = outcome
    return [*phases, ["finished", name]]


def test_a_test_that_ran_once_and_passed() -> None:
    seen = read_observations(lines(*one_test(), ["end", 0]), "n")
    assert (seen.outcomes, seen.end, seen.num_foreign) == ({"t": "passed"}, 0, 0)


def test_a_beginning_says_nothing_of_tests() -> None:
    seen = read_observations(lines(["begin"]), "n")
    assert (seen.tests, seen.num_foreign, seen.end) == ({}, 0, None)


def test_a_test_that_ran_twice_is_odd() -> None:
    assert read_observations(lines(*one_test(), *one_test()), "n").outcomes == {"t": "odd"}


def test_the_last_try_counts_where_a_plugin_announced_another_one() -> None:
    again = one_test("rerun")
    tries = [*again, *again, *one_test()]
    assert read_observations(lines(*tries), "n").outcomes == {"t": "passed"}
    assert read_observations(lines(*again, *one_test("failed")), "n").outcomes == {"t": "failed"}
    assert read_observations(lines(*again), "n").outcomes == {"t": "odd"}
    assert read_observations(lines(*again, *again), "n").outcomes == {"t": "odd"}
    assert read_observations(lines(*again, *one_test(), *one_test()), "n").outcomes == {"t": "odd"}


def test_a_test_that_was_not_finished_is_odd() -> None:
    assert read_observations(lines(*one_test()[:-1]), "n").outcomes == {"t": "odd"}


def test_nothing_counts_after_the_end() -> None:
    seen = read_observations(lines(["end", 1], *one_test()), "n")
    assert (seen.outcomes, seen.num_foreign) == ({}, 4)


def test_another_nonce_is_foreign() -> None:
    seen = read_observations(lines(*one_test(), ["end", 0]), "other")
    assert (seen.outcomes, seen.end, seen.num_foreign) == ({}, None, 5)


@given(st.binary(max_size=200))
def test_bytes_never_raise(data: bytes) -> None:
    seen = read_observations(data, "n")
    assert seen.end is None
    assert not seen.outcomes


@given(st.lists(st.tuples(st.sampled_from(KINDS), st.lists(JSON, max_size=7)), max_size=6))
def test_events_of_any_shape_never_raise(events: list[tuple[str, list[object]]]) -> None:
    seen = read_observations(lines(*([kind, *payload] for kind, payload in events)), "n")
    assert all(outcome == "odd" for outcome in seen.outcomes.values())


@given(st.text())
def test_printable_text_moves_no_cursor(text: str) -> None:
    assert all(c.isprintable() or c in "\n\t" for c in printable(text))
