"""Expected values are made false where a test holds them, before the judged code can read them."""

from __future__ import annotations

import ast
import random
from typing import Any

import pytest

from verifiers.suite.exam.expectations import expected_name, names_in
from verifiers.suite.exam.papers import Twin, read_sheet

ROWS = '@pytest.mark.parametrize("x, wanted", [(1, 2), pytest.param(2, 4, id="two"), [3, None]])\n'


def _twins(source: str) -> list[Twin]:
    sheet = read_sheet("test_a.py", source.encode(), random.Random(1))
    assert sheet is not None
    (twins,) = sheet.twins.values()
    return list(twins)


def _test(body: str, head: str = "", arguments: str = "x, wanted") -> str:
    return f"{head}def test_a({arguments}):\n    {body}\n"


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ("assert f(x) == wanted", "wanted"),
        ("assert wanted == f(x)", "wanted"),
        ("assert x and f(x) == wanted", "wanted"),
        ("assert f(x) == approx(wanted)", "wanted"),
        ("self.assertEqual(f(x), wanted)", "wanted"),
        ("self.assertEqual(wanted, f(x))", "wanted"),
        ("result = f(x); assert wanted == result", "wanted"),
        ("local = [1]; assert f(x) == local", "local"),
        ("assert f(x) == 3", ""),
        ("assert f(x) == CONSTANT", ""),
        ("assert f(x) == self.wanted", ""),
        ("assert f(x) != wanted", ""),
        ("print(wanted)", ""),
    ],
)
def test_the_variable_that_is_expected_is_found(body: str, name: str) -> None:
    test = ast.parse(_test(body)).body[0]
    assert isinstance(test, ast.FunctionDef)
    match test.body[-1]:
        case ast.Assert(test=node) | ast.Expr(value=node):
            assert expected_name(node, names_in(test)) == name


def test_parameters_are_changed_in_every_row_and_nothing_else_is() -> None:
    twins = [twin for twin in _twins(_test("assert f(x) == wanted", ROWS)) if twin.renames]
    assert len({twin.text for twin in twins}) == 2
    for twin in twins:
        assert twin.sure
        one, two, three = _rows(twin)
        assert [ast.literal_eval(e) for e in (one.elts[0], two.args[0], three.elts[0])] == [1, 2, 3]
        assert ast.literal_eval(one.elts[1]) in range(4, 12)
        assert ast.literal_eval(two.args[1]) in range(6, 14)
        assert isinstance(ast.literal_eval(three.elts[1]), str)


def test_ids_tell_neither_true_from_false_nor_what_is_expected() -> None:
    twins = [twin for twin in _twins(_test("assert f(x) == wanted", ROWS)) if twin.renames]
    for twin in twins:
        false, true = _decorator(twin.text), _decorator(twin.true_text)
        assert ast.unparse(false.keywords[0]) == ast.unparse(true.keywords[0])
        assert len(ast.literal_eval(true.keywords[0].value)) == 3
        assert "two" not in twin.text + twin.true_text
        assert ast.unparse(true.args[1]) == "[(1, 2), pytest.param(2, 4), [3, None]]"


def _decorator(text: str) -> ast.Call:
    match ast.parse(text, mode="eval").body:
        case ast.Subscript(value=ast.Tuple(elts=[ast.Call() as call])):
            return call
    raise AssertionError(text)


def _rows(twin: Twin) -> list[Any]:
    rows = _decorator(twin.text).args[1]
    assert isinstance(rows, ast.List)
    return list(rows.elts)


@pytest.mark.parametrize(
    ("body", "head"),
    [
        ("assert f(wanted) == wanted", ROWS),
        ("y = wanted; assert f(x) == wanted", ROWS),
        ("assert f(x) == wanted", ROWS.replace("[(1", "ROWS + [(1")),
        ("assert f(x) == wanted", ROWS.replace("[(1, 2)", "[*ROWS")),
        ("assert f(x) == wanted", ROWS.replace("]])", "]], indirect=True)")),
        ("assert f(x) == x", ROWS.replace('"x, wanted"', "NAMES")),
        ("if x:\n        assert f(x) == wanted", ROWS),
    ],
)
def test_rows_are_left_alone_where_more_would_change_than_is_expected(body: str, head: str) -> None:
    assert not any(twin.renames for twin in _twins(_test(body, head)))


def test_numbers_are_moved_far_where_a_tolerance_is_allowed() -> None:
    (near, far) = (
        [t for t in _twins(_test(f"assert f(x) == {expected}", ROWS)) if t.renames]
        for expected in ("wanted", "approx(wanted)")
    )
    assert near
    assert far
    assert all(abs(_expected(twin) - 2) <= 9 for twin in near)
    assert all(_expected(twin) - 2 >= 100 for twin in far)


def _expected(twin: Twin) -> float:
    return float(ast.literal_eval(_rows(twin)[0].elts[1]))


SEEN: list[object] = []


def _reads_frame(x: object) -> object:
    import sys

    SEEN.append(sys._getframe(1).f_locals["wanted"])
    return SEEN[-1]


class Case:
    @staticmethod
    def assertEqual(one: object, two: object) -> None:
        assert one == two


NUMBERS: list[object] = [2, 2.5, float("inf"), 1e12, -7]
OTHERS: list[object] = ["text", [1], True, None, (1, 2)]
EQUAL, NEARLY = (
    ("assert f(x) == wanted", "self.assertEqual(f(x), wanted)"),
    "assert f(x) == approx(wanted)",
)


@pytest.mark.parametrize(
    ("body", "value"),
    [*((body, value) for body in EQUAL for value in NUMBERS + OTHERS), *((NEARLY, value) for value in NUMBERS)],
)  # fmt: skip
def test_who_reads_the_variable_finds_the_false_value(body: str, value: object) -> None:
    (twin,) = _twins(_test(body))
    names: dict[str, object] = {"f": _reads_frame, "approx": pytest.approx, "self": Case()}
    exec(_test(f"assert {twin.text}" if body.startswith("assert ") else twin.text), names)
    test = names["test_a"]
    assert callable(test)
    try:
        test(1, value)
    except AssertionError:
        assert body.startswith("self"), "what was read makes the false test pass: that is seen"
    assert SEEN[-1] != value
    names["f"] = lambda x: value
    with pytest.raises(AssertionError):
        test(1, value)
