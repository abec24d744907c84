"""The false twin of an assertion: an expression that fails wherever the true one passes.

It also has to fail for a cheat: an object that is equal to everything, or that contains everything, passes both. So what is
expected is changed wherever that can be done, and a result is negated only where it cannot.
"""

from __future__ import annotations

import ast
import random

UNRELATED = "type(NotImplemented)"
"""A class that nothing is of."""
_OTHER = (
    "(lambda v: v + {number} if type(v) is int else (2 * v + {number} if v - v == 0 else 0.0) if type(v) is float"
    " else v + '{word}' if type(v) is str else not v if type(v) is bool"
    " else [*v, {number}] if type(v) is list else (v, {number}))"
)
_NEAR, _FAR = (2, 9), (100, 999)
"""How far an expected number is moved; far where the assertion allows a tolerance."""
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
            return ast.Call(node.func, [what, expression(UNRELATED)], [])
        case ast.Call(
            func=ast.Name(id="all"), args=[ast.GeneratorExp() | ast.ListComp() as each], keywords=[]
        ):
            inner = ast.GeneratorExp(false_condition(each.elt, chance, results), each.generators)
            return ast.Call(node.func, [inner], [])
    return ast.UnaryOp(ast.Not(), node)


def expected_in_comparison(node: ast.Compare, results: frozenset[str] = frozenset()) -> int:
    """The place, from the end, of the operand that rather is expected than computed: the last one in doubt."""
    before, last = [node.left, *node.comparators][-2:]
    return -2 if certainty(before, results) > certainty(last, results) else -1


def certainty(node: ast.expr, results: frozenset[str]) -> int:
    """How surely this is what a test expects: 2 where the value stands there, 0 where it is computed."""
    if has_literal(node):
        return 2
    inner = list(ast.walk(node))
    computed = any(isinstance(n, ast.Call | ast.Await) for n in inner)
    computed = computed or any(isinstance(n, ast.Name) and n.id in results for n in inner)
    return 0 if computed else 1


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
            return ast.Set([*items, number(chance)])
        case ast.Dict():
            return ast.Dict([*node.keys, number(chance)], [*node.values, number(chance)])
        case ast.JoinedStr():
            return ast.BinOp(node, ast.Add(), ast.Constant(word(chance)))
        case ast.Call(args=[first, *rest]) if called_name(node) == "approx":
            return ast.Call(node.func, [other_than(first, chance, far=True), *rest], node.keywords)
    return other_at_run_time(node, chance, far=far)


def other_at_run_time(node: ast.expr, chance: random.Random, *, far: bool = False) -> ast.expr:
    """An expression that finds out the kind of a value when it runs: a pair would be told from a number."""
    distance = f"(abs(v) + {chance.randint(*_FAR)})" if far else chance.randint(*_NEAR)
    text = _OTHER.format(number=distance, word=word(chance))
    return ast.Call(expression(text), [node], [])


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
            operands[-1] = ast.List([ast.Constant(word(chance))], ast.Load())
        else:
            operands[-2] = other_than(operands[-2], chance)
    else:
        operators[-1] = _FLIPPED[type(operator)]()
    return ast.Compare(operands[0], operators, operands[1:])


def _other_items(items: list[ast.expr], chance: random.Random, far: bool) -> list[ast.expr]:
    literal = [i for i, item in enumerate(items) if has_literal(item)]
    if not literal:
        return [*items, number(chance)]
    which = chance.choice(literal)
    return [
        other_than(item, chance, far=far) if i == which else item for i, item in enumerate(items)
    ]


def _other_value(value: object, chance: random.Random, far: bool) -> str | bytes | float | bool:
    match value:
        case bool():
            return not value
        case str():
            return value + word(chance)
        case bytes():
            return value + word(chance).encode()
        case int():
            return 2 * value + chance.randint(*_FAR) if far else value + chance.randint(*_NEAR)
        case float():
            return 2 * value + chance.randint(*(_FAR if far else _NEAR))
    return word(chance)


def expression(text: str) -> ast.expr:
    """The expression that a text is."""
    return ast.parse(text, mode="eval").body


def number(chance: random.Random) -> ast.Constant:
    """A number that no test expects."""
    return ast.Constant(chance.randint(1_000, 999_999))


def word(chance: random.Random) -> str:
    """A word that no test expects."""
    return f"{chance.getrandbits(32):08x}"
