"""The false twin of an assertion: an expression that fails wherever the true one passes.

It also has to fail for a cheat: an object that is equal to everything, or that contains everything, passes both. So what is
expected is changed wherever that can be done, and a result is negated only where it cannot.
"""

from __future__ import annotations

import ast
import random
from collections.abc import Callable

_ALIEN_CLASS = "type('Sealed', ({},), {{}})"
_UNRELATED = "type(NotImplemented)"
_OTHER = (
    "(lambda v: v + {number} if type(v) is int else (2 * v + {number} if v - v == 0 else 0.0) if type(v) is float"
    " else v + '{word}' if type(v) is str else not v if type(v) is bool"
    " else [*v, {number}] if type(v) is list else (v, {number}))"
)
_NEAR, _FAR = (2, 9), (100, 999)
"""How far an expected number is moved; far where the assertion allows a tolerance."""
_RAISES = frozenset({"raises", "assertRaises", "assertRaisesRegex", "RaisesGroup"})
_WARNS = frozenset({"warns", "assertWarns", "assertWarnsRegex"})
_FLIPPED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.NotEq: ast.Eq,
    ast.Lt: ast.Gt,
    ast.Gt: ast.Lt,
    ast.LtE: ast.Gt,
    ast.GtE: ast.Lt,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
_SECOND_IS_EXPECTED = frozenset(
    {"assertEqual", "assertEquals", "assertAlmostEqual", "assertAlmostEquals", "assertListEqual", "assertTupleEqual"}
    | {"assertDictEqual", "assertSetEqual", "assertSequenceEqual", "assertMultiLineEqual", "assertCountEqual"}
    | {"assert_equal", "assert_array_equal", "assert_allclose", "assert_almost_equal", "assert_array_almost_equal"}
    | {"assert_approx_equal", "assert_frame_equal", "assert_series_equal", "assert_index_equal"}
)  # fmt: skip
_TOLERANT = frozenset(
    {"approx", "assertAlmostEqual", "assertAlmostEquals", "assert_allclose", "assert_almost_equal"}
    | {"assert_array_almost_equal", "assert_approx_equal"}
)
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
    "assertNotIsInstance": "assertIsInstance",
    "assertGreater": "assertLess",
    "assertLess": "assertGreater",
    "assertGreaterEqual": "assertLess",
    "assertLessEqual": "assertGreater",
    "assertRegex": "assertNotRegex",
    "assertNotRegex": "assertRegex",
    "assert_called": "assert_not_called",
    "assert_called_once": "assert_not_called",
    "assert_not_called": "assert_called",
}
_MORE_ARGUMENTS = frozenset(
    {"assert_called_with", "assert_called_once_with", "assert_any_call", "assert_awaited_with"}
    | {"assert_awaited_once_with"}
)


def false_condition(
    node: ast.expr, chance: random.Random, results: frozenset[str] = frozenset()
) -> ast.expr:
    """The false twin of what `assert` is given. `results` are variables that hold what was returned."""
    match node:
        case ast.Compare():
            return _false_comparison(node, chance, results)
        case ast.BoolOp(op=ast.And(), values=[*first, last]):
            return ast.BoolOp(ast.And(), [*first, false_condition(last, chance, results)])
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return operand
        case ast.Call(func=ast.Name(id="isinstance" | "issubclass"), args=[what, _], keywords=[]):
            return ast.Call(node.func, [what, _expression(_UNRELATED)], [])
    return ast.UnaryOp(ast.Not(), node)


def false_call(
    node: ast.Call, chance: random.Random, results: frozenset[str] = frozenset()
) -> ast.expr | None:
    """The false twin of a call that asserts: unittest's, numpy's, a mock's, `pytest.raises`; None for any other."""
    name = called_name(node)
    if name in _RAISES | _WARNS:
        alien = _expression(_ALIEN_CLASS.format("Warning" if name in _WARNS else "Exception"))
        return _with_argument(node, 0, lambda _: alien)
    if name in _SECOND_IS_EXPECTED:
        return _with_argument(
            node,
            expected_in_call(node, results),
            lambda old: other_than(old, chance, far=is_tolerant(node)),
        )
    if name == "assertIsInstance":
        return _with_argument(node, 1, lambda _: _expression(_UNRELATED))
    if name in _OPPOSITES:
        return ast.Call(_renamed(node.func, _OPPOSITES[name]), node.args, node.keywords)
    if name in _MORE_ARGUMENTS:
        return ast.Call(node.func, [*node.args, _number(chance)], node.keywords)
    return None


def expected_in_call(node: ast.Call, results: frozenset[str] = frozenset()) -> int:
    """The place of what unittest's or numpy's call expects; -1 for any other call."""
    if called_name(node) not in _SECOND_IS_EXPECTED:
        return -1
    certain = [_certainty(argument, results) for argument in node.args[:2]]
    return 0 if len(certain) > 1 and certain[0] > certain[1] else 1


def expected_in_comparison(node: ast.Compare, results: frozenset[str] = frozenset()) -> int:
    """The place, from the end, of the operand that rather is expected than computed: the last one in doubt."""
    before, last = [node.left, *node.comparators][-2:]
    return -2 if _certainty(before, results) > _certainty(last, results) else -1


def _certainty(node: ast.expr, results: frozenset[str]) -> int:
    if has_literal(node):
        return 2
    inner = list(ast.walk(node))
    computed = any(isinstance(n, ast.Call | ast.Await) for n in inner)
    computed = computed or any(isinstance(n, ast.Name) and n.id in results for n in inner)
    return 0 if computed else 1


def expects_exception(node: ast.expr) -> bool:
    """True for `pytest.raises(…)` and its like: the statements below it need not all run."""
    return isinstance(node, ast.Call) and called_name(node) in _RAISES


def called_name(node: ast.Call) -> str:
    """The last part of what is called."""
    match node.func:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
    return ""


def other_than(node: ast.expr, chance: random.Random, *, far: bool = False) -> ast.expr:
    """An expression whose value is not equal to that of `node`, and of its kind where that can be seen.

    With `far` it is not nearly equal either.
    """
    match node:
        case ast.Constant(value=value):
            return ast.Constant(_other_value(value, chance, far))
        case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=ast.Constant()):
            return ast.UnaryOp(node.op, other_than(node.operand, chance, far=far))
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return type(node)(_other_items(items, chance, far), ast.Load())
        case ast.Set(elts=items):
            return ast.Set([*items, _number(chance)])
        case ast.Dict():
            return ast.Dict([*node.keys, _number(chance)], [*node.values, _number(chance)])
        case ast.JoinedStr():
            return ast.BinOp(node, ast.Add(), ast.Constant(_word(chance)))
        case ast.Call(args=[first, *rest]) if called_name(node) == "approx":
            return ast.Call(node.func, [other_than(first, chance, far=True), *rest], node.keywords)
    return other_at_run_time(node, chance, far=far)


def other_at_run_time(node: ast.expr, chance: random.Random, *, far: bool = False) -> ast.expr:
    """An expression that finds out the kind of a value when it runs: a pair would be told from a number."""
    number = f"(abs(v) + {chance.randint(*_FAR)})" if far else chance.randint(*_NEAR)
    text = _OTHER.format(number=number, word=_word(chance))
    return ast.Call(_expression(text), [node], [])


def is_tolerant(node: ast.Call) -> bool:
    """True for a call that takes what is nearly equal for equal."""
    return called_name(node) in _TOLERANT


def has_literal(node: ast.expr) -> bool:
    """True when the value can be seen in the text, at least in part."""
    match node:
        case ast.Constant() | ast.JoinedStr() | ast.List() | ast.Tuple() | ast.Set() | ast.Dict():
            return True
        case ast.UnaryOp(operand=operand):
            return has_literal(operand)
        case ast.Call():
            return called_name(node) == "approx"
    return False


def _false_comparison(
    node: ast.Compare, chance: random.Random, results: frozenset[str]
) -> ast.expr:
    operands, operators = [node.left, *node.comparators], list(node.ops)
    operator = operators[-1]
    if isinstance(operator, ast.Eq):
        side = expected_in_comparison(node, results)
        operands[side] = other_than(operands[side], chance)
    elif isinstance(operator, ast.In):
        if isinstance(operands[-1], ast.List | ast.Tuple | ast.Set):
            operands[-1] = ast.List([ast.Constant(_word(chance))], ast.Load())
        else:
            operands[-2] = other_than(operands[-2], chance)
    else:
        operators[-1] = _FLIPPED[type(operator)]()
    return ast.Compare(operands[0], operators, operands[1:])


def _other_items(items: list[ast.expr], chance: random.Random, far: bool) -> list[ast.expr]:
    literal = [i for i, item in enumerate(items) if has_literal(item)]
    if not literal:
        return [*items, _number(chance)]
    which = chance.choice(literal)
    return [
        other_than(item, chance, far=far) if i == which else item for i, item in enumerate(items)
    ]


def _other_value(value: object, chance: random.Random, far: bool) -> str | bytes | float | bool:
    match value:
        case bool():
            return not value
        case str():
            return value + _word(chance)
        case bytes():
            return value + _word(chance).encode()
        case int():
            return 2 * value + chance.randint(*_FAR) if far else value + chance.randint(*_NEAR)
        case float():
            return 2 * value + chance.randint(*(_FAR if far else _NEAR))
    return _word(chance)


def _with_argument(
    node: ast.Call, index: int, change: Callable[[ast.expr], ast.expr]
) -> ast.Call | None:
    if index >= len(node.args) or any(isinstance(a, ast.Starred) for a in node.args[: index + 1]):
        return None
    args = [change(arg) if i == index else arg for i, arg in enumerate(node.args)]
    return ast.Call(node.func, args, node.keywords)


def _renamed(function: ast.expr, name: str) -> ast.expr:
    match function:
        case ast.Attribute(value=owner):
            return ast.Attribute(owner, name, ast.Load())
    return ast.Name(name, ast.Load())


def _expression(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def _number(chance: random.Random) -> ast.Constant:
    return ast.Constant(chance.randint(1_000, 999_999))


def _word(chance: random.Random) -> str:
    return f"{chance.getrandbits(32):08x}"
