"""The false twin of a call that asserts: unittest's, Django's, numpy's, a mock's, pytest's own.

The same holds as for conditions (`false_twins.py`): what is expected is changed wherever that can be done.
"""

from __future__ import annotations

import ast
import random
from collections.abc import Callable

from .false_twins import UNRELATED, called_name, certainty, expression, number, other_than, word

_ALIEN_CLASS = "type('Sealed', ({},), {{}})"
_RAISES = frozenset({"raises", "assertRaises", "assertRaisesRegex", "RaisesGroup"})
_WARNS = frozenset({"warns", "assertWarns", "assertWarnsRegex"})
_SECOND_IS_EXPECTED = frozenset(
    {"assertEqual", "assertEquals", "assertAlmostEqual", "assertAlmostEquals", "assertListEqual", "assertTupleEqual"}
    | {"assertDictEqual", "assertSetEqual", "assertSequenceEqual", "assertMultiLineEqual", "assertCountEqual"}
    | {"assert_equal", "assert_array_equal", "assert_allclose", "assert_almost_equal", "assert_array_almost_equal"}
    | {"assert_approx_equal", "assert_frame_equal", "assert_series_equal", "assert_index_equal"}
    | {"assertJSONEqual", "assertHTMLEqual", "assertXMLEqual", "assertQuerySetEqual", "assertQuerysetEqual"}
)  # fmt: skip
_TOLERANT = frozenset(
    {"approx", "assertAlmostEqual", "assertAlmostEquals", "assert_allclose", "assert_almost_equal"}
    | {"assert_array_almost_equal", "assert_approx_equal"}
)
_EXPECTED_AT = {
    "assertContains": 1,
    "assertRedirects": 1,
    "assertTemplateUsed": 1,
    "assertNumQueries": 0,
    "assertInHTML": 0,
}
"""Django's calls, and the place of what they expect."""
_OPPOSITES = {
    "assertTrue": "assertFalse",
    "assertFalse": "assertTrue",
    "assertIn": "assertNotIn",
    "assertNotIn": "assertIn",
    "assertIs": "assertIsNot",
    "assertIsNot": "assertIs",
    "assertIsNone": "assertIsNotNone",
    "assertIsNotNone": "assertIsNone",
    "assertNotEqual": "assertEqual",
    "assertNotAlmostEqual": "assertAlmostEqual",
    "assertNotContains": "assertContains",
    "assertTemplateNotUsed": "assertTemplateUsed",
    "assertNotIsInstance": "assertIsInstance",
    "assertNotIsSubclass": "assertIsSubclass",
    "assertStartsWith": "assertNotStartsWith",
    "assertNotStartsWith": "assertStartsWith",
    "assertEndsWith": "assertNotEndsWith",
    "assertNotEndsWith": "assertEndsWith",
    "assertHasAttr": "assertNotHasAttr",
    "assertNotHasAttr": "assertHasAttr",
    "assertLogs": "assertNoLogs",
    "assertNoLogs": "assertLogs",
    "assertGreater": "assertLess",
    "assertLess": "assertGreater",
    "assertGreaterEqual": "assertLess",
    "assertLessEqual": "assertGreater",
    "assertRegex": "assertNotRegex",
    "assertNotRegex": "assertRegex",
    "assert_called": "assert_not_called",
    "assert_called_once": "assert_not_called",
    "assert_not_called": "assert_called",
    "assert_awaited": "assert_not_awaited",
    "assert_awaited_once": "assert_not_awaited",
    "assert_not_awaited": "assert_awaited",
}
_MORE_ARGUMENTS = frozenset(
    {"assert_called_with", "assert_called_once_with", "assert_any_call", "assert_awaited_with"}
    | {"assert_awaited_once_with", "assert_any_await"}
)
_MORE_IN_LIST = frozenset(
    {"assert_has_calls", "assert_has_awaits", "fnmatch_lines", "fnmatch_lines_random"}
    | {"re_match_lines", "re_match_lines_random"}
)
"""Calls of mocks and of pytest's own `pytester` whose list names what has to be there."""


def false_call(
    node: ast.Call, chance: random.Random, results: frozenset[str] = frozenset()
) -> ast.expr | None:
    """The false twin of a call that asserts: unittest's, numpy's, a mock's, `pytest.raises`; None for any other."""
    name = called_name(node)
    if name in _RAISES | _WARNS | {"deprecated_call"}:
        return _other_exception(node, name)
    if name in _SECOND_IS_EXPECTED or name in _EXPECTED_AT:
        place = _EXPECTED_AT.get(name, expected_in_call(node, results))
        far = is_tolerant(node)
        return _with_argument(node, place, lambda old: other_than(old, chance, far=far))
    if name in ("assertIsInstance", "assertIsSubclass"):
        return _with_argument(node, 1, lambda _: expression(UNRELATED))
    if name in _OPPOSITES:
        return ast.Call(_renamed(node.func, _OPPOSITES[name]), node.args, node.keywords)
    if name in _MORE_ARGUMENTS:
        return ast.Call(node.func, [*node.args, number(chance)], node.keywords)
    if name in _MORE_IN_LIST:
        return _with_argument(node, 0, lambda old: _with_one_more(old, name, chance))
    if name == "assert_outcomes":
        return _other_outcomes(node, chance)
    return None


def expected_in_call(node: ast.Call, results: frozenset[str] = frozenset()) -> int:
    """The place of what unittest's or numpy's call expects; -1 for any other call."""
    if called_name(node) not in _SECOND_IS_EXPECTED:
        return -1
    certain = [certainty(argument, results) for argument in node.args[:2]]
    return 0 if len(certain) > 1 and certain[0] > certain[1] else 1


def expects_exception(node: ast.expr) -> bool:
    """True for `pytest.raises(…)` and its like: the statements below it need not all run."""
    return isinstance(node, ast.Call) and called_name(node) in _RAISES


def is_tolerant(node: ast.Call) -> bool:
    """True for a call that takes what is nearly equal for equal."""
    return called_name(node) in _TOLERANT


def _other_exception(node: ast.Call, name: str) -> ast.expr | None:
    kind = "Exception" if name in _RAISES else "Warning"
    alien = expression(_ALIEN_CLASS.format(kind))
    if name != "deprecated_call":
        return _with_argument(node, 0, lambda _: alien)
    if not isinstance(node.func, ast.Attribute):
        return None
    return ast.Call(_renamed(node.func, "warns"), [alien, *node.args], node.keywords)


def _with_argument(
    node: ast.Call, index: int, change: Callable[[ast.expr], ast.expr]
) -> ast.Call | None:
    if index >= len(node.args) or any(isinstance(a, ast.Starred) for a in node.args[: index + 1]):
        return None
    args = [change(arg) if i == index else arg for i, arg in enumerate(node.args)]
    return ast.Call(node.func, args, node.keywords)


def _with_one_more(node: ast.expr, name: str, chance: random.Random) -> ast.expr:
    last: ast.expr = ast.Constant(word(chance))
    if name.startswith("assert_"):  # a call as mocks compare them: its name, arguments, keywords
        last = ast.Tuple([last, ast.Tuple([], ast.Load()), ast.Dict([], [])], ast.Load())
    return ast.List([ast.Starred(node, ast.Load()), last], ast.Load())


def _other_outcomes(node: ast.Call, chance: random.Random) -> ast.Call | None:
    """Another number of what has to have passed, failed, …"""
    match node.keywords:
        case [ast.keyword(arg=str() as name, value=value), *rest]:
            return ast.Call(
                node.func, node.args, [ast.keyword(name, other_than(value, chance)), *rest]
            )
        case []:
            return _with_argument(node, 0, lambda old: other_than(old, chance))
    return None


def _renamed(function: ast.expr, name: str) -> ast.expr:
    match function:
        case ast.Attribute(value=owner):
            return ast.Attribute(owner, name, ast.Load())
    return ast.Name(name, ast.Load())
