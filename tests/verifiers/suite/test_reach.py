"""Which assertions every run of a test comes by."""

from __future__ import annotations

import ast

import pytest

from verifiers.suite.exam.reach import assertions, bound_once

MODULE = """\
CASES = [1, 2]
EMPTY = []
TWICE = [1]
TWICE = []
MADE = make()
TABLE: dict = {"a": 1}
"""


def _sure(body: str, arguments: str = "") -> list[bool]:
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    tree = ast.parse(f"{MODULE}async def test_it({arguments}):\n{lines}")
    (test,) = [n for n in tree.body if isinstance(n, ast.AsyncFunctionDef)]
    return [
        sure for (statement, _), sure in assertions(test, bound_once(tree))
        if isinstance(statement, ast.Assert)
    ]  # fmt: skip


@pytest.mark.parametrize(
    "head",
    [
        "for v in [1]:", "for v in (1, 2):", "for v in {1}:", "for v in {'a': 1}:", "for v in 'ab':", "for v in range(3):",
        "for v in range(1, 9, 2):", "for v in CASES:", "for v in enumerate(CASES):", "for v in sorted(TABLE.items()):",
        "for v in zip(CASES, [1]):", "for v in [*EMPTY, 1]:", "with anything():", "async with anything() as v:",
    ],
)  # fmt: skip
def test_what_runs_at_least_once_is_sure(head: str) -> None:
    assert _sure(f"{head}\n    assert 1\nassert 2") == [True, True]


@pytest.mark.parametrize(
    "head",
    [
        "for v in []:", "for v in [*CASES]:", "for v in EMPTY:", "for v in TWICE:", "for v in MADE:", "for v in unknown:",
        "for v in range(0):", "for v in range(n):", "for v in zip(CASES, EMPTY):", "for v in filter(f, CASES):",
        "for v in {**TABLE}:", "for v in ''", "if 1:", "while 1:", "async for v in CASES:", "with suppress(ValueError):",
        "with pytest.raises(ValueError):", "with self.assertRaises(ValueError):",
    ],
)  # fmt: skip
def test_what_may_not_run_is_not(head: str) -> None:
    assert _sure(f"{head.rstrip(':')}:\n    assert 1\nassert 2") == [False, True]


def test_a_name_of_the_test_hides_that_of_the_module() -> None:
    assert _sure("CASES = make()\nfor v in CASES:\n    assert 1") == [False]
    assert _sure("for v in CASES:\n    assert 1", "CASES") == [False]
    assert _sure("cases = [1]\nfor v in cases:\n    assert 1") == [True]
    assert _sure("cases = [1]\ncases += []\nfor v in cases:\n    assert 1") == [False]


@pytest.mark.parametrize(
    "leave", ["return", "raise E", "if x: return", "with a:\n    if x: return"]
)
def test_nothing_is_sure_after_what_may_leave_the_test(leave: str) -> None:
    assert _sure(f"assert 1\n{leave}\nassert 2") == [True, False]


def test_a_round_that_may_end_early_ends_there_and_not_the_test() -> None:
    body = "for v in CASES:\n    assert 1\n    if v: continue\n    assert 2\nassert 3"
    assert _sure(body) == [True, False, True]
    assert _sure(body.replace("continue", "break")) == [True, False, True]
    assert _sure(body.replace("continue", "return")) == [True, False, False]
    inner = "for v in CASES:\n    for w in CASES:\n        break\n    assert 2"
    assert _sure(inner) == [True]


def test_a_return_in_a_function_inside_leaves_nothing() -> None:
    assert _sure("def f():\n    return 1\nassert 2\nif x:\n    def g(): return 1\nassert 3") == [
        True,
        True,
    ]


def test_what_is_tried_is_sure_where_nothing_is_caught() -> None:
    assert _sure("try:\n    assert 1\nfinally:\n    assert 2\nassert 3") == [True, True, True]
    assert _sure("try:\n    assert 1\nexcept E:\n    pass\nassert 2") == [False, True]
