"""An assertion's false twin fails where the true one passes, and does not fail for what is equal to everything."""

from __future__ import annotations

import ast
import random
import unittest
import warnings
from unittest import mock

import pytest

from verifiers.suite.exam.false_calls import false_call
from verifiers.suite.exam.false_twins import false_condition


class Same:
    """Equal to everything, contains everything, and compares as one likes."""

    def _yes(self, other: object) -> bool:
        return True

    __eq__ = __ne__ = __lt__ = __gt__ = __le__ = __ge__ = __contains__ = _yes
    __hash__ = None  # type: ignore[assignment]


CONDITIONS: dict[str, object] = {
    "x == 3": 3,
    "3 == x": 3,
    "x == -3": -3,
    "x == 2.5": 2.5,
    "x == 'text'": "text",
    "x == b'text'": b"text",
    "x == None": None,
    "x == True": True,
    "x == [1, 2]": [1, 2],
    "x == []": [],
    "x == (1, y)": (1, 7),
    "x == {1, 2}": {1, 2},
    "x == {'a': 1}": {"a": 1},
    "x == y": 7,
    "x == f'{y}'": "7",
    "x == pytest.approx(0.3)": 0.1 + 0.2,
    "x != 3": 4,
    "x < 3": 2,
    "x <= 3": 3,
    "x > 3": 4,
    "x >= 3": 3,
    "1 < x < 5": 3,
    "x in [1, 2]": 2,
    "x in (y, 2)": 7,
    "'a' in x": "cat",
    "y in x": [7],
    "y and x == 3": 3,
    "all(x == v for v in [3, 3])": 3,
    "all([x == v for v in (3,)])": 3,
}
PLAIN: dict[str, object] = {
    "x": 1,
    "not x": 0,
    "x is None": None,
    "x is not None": 1,
    "x not in [1]": 2,
    "isinstance(x, int)": 3,
    "issubclass(x, int)": bool,
    "x or y": 1,
    "all(x)": [1],
    "any(v == 1 for v in x)": [1],
}


def _holds(text: str, x: object) -> bool:
    try:
        return bool(eval(text, {"pytest": pytest, "x": x, "y": 7}))
    except TypeError:
        return False


def _twin_of(text: str, seed: int) -> str:
    return ast.unparse(false_condition(ast.parse(text, mode="eval").body, random.Random(seed)))


@pytest.mark.parametrize("text", CONDITIONS | PLAIN)
@pytest.mark.parametrize("seed", range(5))
def test_twin_is_false_where_the_condition_is_true(text: str, seed: int) -> None:
    value = (CONDITIONS | PLAIN)[text]
    assert _holds(text, value)
    assert not _holds(_twin_of(text, seed), value)


@pytest.mark.parametrize("text", CONDITIONS)
def test_what_is_equal_to_everything_passes_the_twin_too(text: str) -> None:
    cheat: object = Same()
    assert _holds(text, cheat)
    assert _holds(_twin_of(text, 0), cheat), "so the exam sees it pass where it cannot"


CALLS: dict[str, object] = {
    "self.assertEqual(x, 3)": 3,
    "self.assertEqual(3, x)": 3,
    "self.assertAlmostEqual(x, 0.3)": 0.1 + 0.2,
    "self.assertCountEqual(x, [2, 1])": [1, 2],
    "self.assertTrue(x)": 1,
    "self.assertFalse(x)": 0,
    "self.assertIn(x, [1])": 1,
    "self.assertNotIn(x, [2])": 1,
    "self.assertIsNone(x)": None,
    "self.assertIsNotNone(x)": 1,
    "self.assertGreater(x, 3)": 4,
    "self.assertGreaterEqual(x, 3)": 3,
    "self.assertLess(x, 3)": 2,
    "self.assertLessEqual(x, 3)": 3,
    "self.assertRegex(x, 'c.t')": "cat",
    "self.assertIsInstance(x, int)": 1,
    "self.assertRaises(ValueError, int, x)": "x",
    "pytest.raises(ValueError, int, x)": "x",
    "pytest.warns(UserWarning, warnings.warn, x)": "careful",
    "x.assert_called_once_with(1)": mock.Mock(),
    "x.assert_called()": mock.Mock(),
    "x.assert_has_calls([mock.call(1)])": mock.Mock(),
    "x.assert_has_calls([mock.call(1)], any_order=True)": mock.Mock(),
    "self.assertNotAlmostEqual(x, 3)": 4,
    "pytest.deprecated_call(warnings.warn, x, DeprecationWarning)": "old",
    "x.assert_outcomes(passed=1)": pytest.RunResult(0, ["= 1 passed in 1.00s ="], [], 1.0),
    "x.fnmatch_lines(['*a*'])": pytest.LineMatcher(["cat"]),
    "x.re_match_lines(['.a'])": pytest.LineMatcher(["cat"]),
}


def _passes(text: str, x: object) -> bool:
    if isinstance(x, mock.Mock):
        x.reset_mock()
        x(1)
    try:
        names = {"pytest": pytest, "warnings": warnings, "mock": mock, "self": unittest.TestCase()}
        eval(text, {**names, "x": x})
    except (Exception, pytest.fail.Exception):
        return False
    return True


@pytest.mark.parametrize("text", CALLS)
def test_twin_of_an_asserting_call_fails_where_the_call_passes(text: str) -> None:
    call = ast.parse(text, mode="eval").body
    assert isinstance(call, ast.Call)
    twin = false_call(call, random.Random(0))
    assert twin is not None
    assert _passes(text, CALLS[text])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert not _passes(ast.unparse(twin), CALLS[text])


@pytest.mark.parametrize("text", ["print(x)", "self.assertEqual(*x)", "x.assert_it(1)", "raises()"])
def test_other_calls_have_no_twin(text: str) -> None:
    call = ast.parse(text, mode="eval").body
    assert isinstance(call, ast.Call)
    assert false_call(call, random.Random(0)) is None
