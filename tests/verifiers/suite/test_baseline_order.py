"""Another order of the same tests, and the line that a person types for it."""

from __future__ import annotations

import shlex

from hypothesis import given, strategies as st

from verifiers.suite.base.order import Order, command_line, shuffled
from verifiers.suite.running.limits import RunLimits
from verifiers.suite.running.runs import Request

_NAMES = st.text(st.characters(codec="ascii", exclude_characters=":\0"), min_size=1, max_size=8)


@given(st.lists(_NAMES, min_size=2, max_size=12, unique=True), st.integers(0, 9))
def test_files_come_in_another_order_and_each_once(files: list[str], seed: int) -> None:
    tests = [f"{file}::test_{i}" for i in range(3) for file in files]
    order = shuffled(tests, seed)
    assert sorted(order.arguments) == sorted(files)
    assert list(order.arguments) != files
    assert order == shuffled(tests, seed)


@given(st.integers(0, 600), st.integers(0, 9))
def test_one_file_is_shuffled_by_test_if_it_is_not_too_long(num_tests: int, seed: int) -> None:
    tests = [f"test_a.py::test_{i}" for i in range(num_tests)]
    arguments = shuffled(tests, seed).arguments
    if not 2 <= num_tests <= 500:
        assert arguments == ()
    else:
        assert sorted(arguments) == sorted(tests)
        assert list(arguments) != tests


def test_too_long_a_command_line_is_not_given() -> None:
    assert shuffled([f"{i:0200}.py::test" for i in range(1_000)], 0) == Order(seed=0)


def test_held_out_tests_are_not_named() -> None:
    order = Order(seed=1, arguments=("b.py", "c.py", "a.py::x", "a.py::y"))
    kept = order.without(["--ignore=c.py", "--deselect=a.py::x"])
    assert kept.arguments == ("b.py", "a.py::y")


@given(st.lists(_NAMES, max_size=5))
def test_a_shell_reads_the_line_as_it_was_meant(names: list[str]) -> None:
    request = Request(
        limits=RunLimits(seconds=1, test_seconds=1, output_bytes=1), arguments=("-q",), tests=names
    )
    words = shlex.split(command_line(request, 7))
    assert words == ["PYTHONHASHSEED=7", "python", "-m", "pytest", "-q", *names]
