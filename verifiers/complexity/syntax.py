"""Children of a syntax tree as complexity sees them, with the cognitive cost of each node.

What a person may add or drop for free is left out: type hints, docstrings, load and store marks.
Costs follow Sonar's cognitive complexity. A comprehension costs as much as the loop in its place.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Literal, NamedTuple, TypeAlias

Role: TypeAlias = Literal["", "unit", "elif", "operand", "wrapped"]
FunctionNode: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef
BLOCKS = (ast.stmt, ast.ExceptHandler, ast.match_case)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)

_LOOPS = (ast.For, ast.AsyncFor, ast.While)
_TRIES = (ast.Try, ast.TryStar)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_NESTING = (*_LOOPS, ast.If, ast.IfExp, ast.ExceptHandler, ast.Match)
_COSTLY = (*_NESTING, *_TRIES, ast.BoolOp, ast.comprehension)
_LEAVES = (ast.Name, ast.Constant, ast.operator, ast.cmpop, ast.boolop, ast.unaryop)
_NESTED_FIELDS = frozenset({"body", "orelse", "cases"})
_WEIGHTLESS_FIELDS = frozenset({"annotation", "ctx", "returns", "type_ignores", "type_params"})


class Place(NamedTuple):
    """A node, how deeply it is nested, and what it is to its parent."""

    node: ast.AST
    depth: int
    role: Role = ""
    field: int = 0
    """Number of the parent's field that holds it."""


def children(place: Place) -> Iterable[Place]:
    """The children that weigh, each at its own depth."""
    if isinstance(place.node, _LEAVES):
        return ()
    if isinstance(place.node, _COMPREHENSIONS):
        return _of_comprehension(place.node, place.depth)
    if isinstance(place.node, ast.comprehension):
        return _of_generator(place.node, place.depth)
    return _of_any(place)


def cost(place: Place) -> int:
    """Cognitive complexity of the node alone."""
    node, depth = place.node, place.depth
    if not isinstance(node, _COSTLY):
        return 0
    if isinstance(node, ast.BoolOp):
        return 0 if place.role == "operand" else _num_runs(node)
    if isinstance(node, ast.comprehension):
        return sum(1 + depth + step for step in range(1 + len(node.ifs)))
    own = 1 + depth * (place.role != "elif") if isinstance(node, _NESTING) else 0
    return own + _has_else(node)


def is_recursive_call(node: ast.AST, name: str) -> bool:
    """True for a call of `name`, or of that method on `self` or `cls`."""
    if not isinstance(node, ast.Call):
        return False
    called = node.func
    if isinstance(called, ast.Attribute):
        owner = called.value
        return called.attr == name and isinstance(owner, ast.Name) and owner.id in ("self", "cls")
    return isinstance(called, ast.Name) and called.id == name


def is_weightless(node: ast.AST) -> bool:
    """True for statements that only document: strings and bare annotations."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    return isinstance(node, ast.AnnAssign) and node.value is None


def _of_any(place: Place) -> Iterator[Place]:
    node = place.node
    for number, field in enumerate(_weighing_fields(node)):
        value = getattr(node, field, None)
        if isinstance(value, ast.AST):
            yield _placed(place, field, number, value)
        elif isinstance(value, list):
            for child in value:
                if isinstance(child, ast.AST) and not is_weightless(child):
                    yield _placed(place, field, number, child)


def _weighing_fields(node: ast.AST) -> list[str]:
    return [field for field in node._fields if field not in _WEIGHTLESS_FIELDS]


def _placed(parent: Place, field: str, number: int, child: ast.AST) -> Place:
    node = parent.node
    if isinstance(node, ast.BoolOp) and isinstance(child, ast.BoolOp):
        return Place(child, parent.depth, "operand", number)
    if field == "orelse" and isinstance(node, ast.If) and _is_elif(node):
        return Place(child, parent.depth, "elif", number)
    depth = parent.depth + _nests(parent, field)
    if isinstance(child, FUNCTIONS) and isinstance(node, FUNCTIONS) and _only_wraps(node):
        return Place(child, depth, "wrapped", number)
    return Place(child, depth, "", number)


def _nests(parent: Place, field: str) -> bool:
    if isinstance(parent.node, (*FUNCTIONS, ast.Lambda)):
        return field == "body" and parent.role not in ("unit", "wrapped")
    return field in _NESTED_FIELDS and isinstance(parent.node, _NESTING)


def _is_elif(node: ast.If) -> bool:
    return len(node.orelse) == 1 and isinstance(node.orelse[0], ast.If)


def _has_else(node: ast.AST) -> bool:
    if isinstance(node, ast.If):
        return bool(node.orelse) and not _is_elif(node)
    return isinstance(node, (*_LOOPS, *_TRIES)) and bool(node.orelse)


def _only_wraps(node: FunctionNode) -> bool:
    """True for the shape of a decorator: one inner function, returned. Those do not nest."""
    body = [one for one in node.body if not is_weightless(one)]
    kinds = [type(one) for one in body]
    return len(body) == 2 and kinds[0] in FUNCTIONS and kinds[1] is ast.Return


def _of_comprehension(node: ast.AST, depth: int) -> Iterator[Place]:
    generators: list[ast.comprehension] = getattr(node, "generators", [])
    for generator in generators:
        yield Place(generator, depth, "", 1)
        depth += 1 + len(generator.ifs)
    for field in ("elt", "key", "value"):
        value = getattr(node, field, None)
        if isinstance(value, ast.AST):
            yield Place(value, depth, "", 0)


def _of_generator(node: ast.comprehension, depth: int) -> Iterator[Place]:
    yield Place(node.target, depth, "", 0)
    yield Place(node.iter, depth, "", 1)
    for step, condition in enumerate(node.ifs, start=1):
        yield Place(condition, depth + step, "", 2)


def _num_runs(node: ast.BoolOp) -> int:
    """Runs of one operator in reading order: `a and b and c or d` has two."""
    return 1 + sum(one is not other for one, other in pairwise(_operators(node)))


def _operators(node: ast.BoolOp) -> Iterator[type[ast.boolop]]:
    # Nesting is bounded by the parser's limit on parentheses, so that recursion is safe here.
    for index, value in enumerate(node.values):
        if index:
            yield type(node.op)
        if isinstance(value, ast.BoolOp):
            yield from _operators(value)
