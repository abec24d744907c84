"""Which assertions of a test every run comes by, as far as the text says: only those can be made false in a red test.

A loop over what is written out, and is not empty, runs at least once: a table of cases is as good as one case.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from .false_calls import expects_exception
from .false_twins import called_name

Place: TypeAlias = tuple[ast.stmt, ast.expr]
"""A statement, and the expression in it that may assert."""

_KEEP_LENGTH = frozenset({"enumerate", "sorted", "reversed", "list", "tuple", "set", "iter"})
_VIEWS = frozenset({"items", "keys", "values"})


def assertions(
    test: ast.FunctionDef | ast.AsyncFunctionDef, tables: Mapping[str, ast.expr]
) -> Iterator[tuple[Place, bool]]:
    """Expressions that may assert, in order, each with whether every run comes by, if nothing fails before.

    `tables` are names of the module with their only values.
    """
    local = {name for name, _ in _bindings(test)} | {a.arg for a in _arguments(test)}
    known = {name: value for name, value in tables.items() if name not in local}
    yield from _walk(test.body, True, {**known, **bound_once(test)})


def bound_once(scope: ast.AST) -> dict[str, ast.expr]:
    """Names that are given a value at one place only, where that is a plain assignment of the scope itself."""
    times = Counter(name for name, _ in _bindings(scope))
    found = {}
    for statement in getattr(scope, "body", []):
        match statement:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=value)
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
            ) if times[name] == 1:
                found[name] = value
    return found


def _walk(
    body: Sequence[ast.stmt], sure: bool, tables: Mapping[str, ast.expr]
) -> Iterator[tuple[Place, bool]]:
    for statement in body:
        match statement:
            case ast.Assert(test=node):
                yield (statement, node), sure
            case ast.Expr(value=ast.Await(value=ast.Call() as node) | (ast.Call() as node)):
                yield (statement, node), sure
            case ast.With(items=items, body=inner) | ast.AsyncWith(items=items, body=inner):
                for item in items:
                    yield (statement, item.context_expr), sure
                swallowed = any(_swallows(item.context_expr) for item in items)
                yield from _walk(inner, sure and not swallowed, tables)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                continue
            case ast.For(iter=node, body=inner, orelse=after):
                yield from _walk(inner, sure and _is_filled(node, tables), tables)
                yield from _walk(after, False, tables)
            case ast.Try(handlers=[], body=inner, finalbody=after):
                yield from _walk([*inner, *after], sure, tables)
            case _:
                yield from _walk(_nested(statement), False, tables)
        sure = sure and not _may_leave(statement)


def _swallows(node: ast.expr) -> bool:
    """True where an exception in the body may go unseen: what stands below it need not run."""
    return expects_exception(node) or (
        isinstance(node, ast.Call) and called_name(node) == "suppress"
    )


def _nested(statement: ast.stmt) -> list[ast.stmt]:
    parts = ("body", "orelse", "finalbody")
    return [inner for part in parts for inner in getattr(statement, part, [])]


def _may_leave(node: ast.AST, *, in_loop: bool = False) -> bool:
    """True where a statement may end the test, or the round of the loop that it stands in."""
    match node:
        case ast.Return() | ast.Raise():
            return True
        case ast.Break() | ast.Continue():
            return not in_loop
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef() | ast.expr():
            return False
        case ast.For() | ast.AsyncFor() | ast.While():
            in_loop = True
    return any(_may_leave(inner, in_loop=in_loop) for inner in ast.iter_child_nodes(node))


def _is_filled(node: ast.expr, tables: Mapping[str, ast.expr]) -> bool:
    """True where the text says that there is something to go through."""
    match node:
        case ast.List(elts=items) | ast.Tuple(elts=items) | ast.Set(elts=items):
            return any(not isinstance(item, ast.Starred) for item in items)
        case ast.Dict(keys=keys):
            return any(key is not None for key in keys)
        case ast.Constant(value=str() | bytes() as text):
            return bool(text)
        case ast.Name(id=name) if name in tables:
            others = {other: value for other, value in tables.items() if other != name}
            return _is_filled(tables[name], others)
        case ast.Call(func=ast.Attribute(value=owner, attr=name), args=[], keywords=[]):
            return name in _VIEWS and _is_filled(owner, tables)
        case ast.Call(func=ast.Name(id="range"), args=[*ends], keywords=[]):
            return _counts(ends)
        case ast.Call(func=ast.Name(id="zip"), args=[_, *_] as several):
            return all(_is_filled(one, tables) for one in several)
        case ast.Call(func=ast.Name(id=name), args=[first, *_]):
            return name in _KEEP_LENGTH and _is_filled(first, tables)
    return False


def _counts(ends: Sequence[ast.expr]) -> bool:
    try:
        return len(range(*[ast.literal_eval(end) for end in ends])) > 0
    except (ValueError, TypeError, OverflowError):
        return False


def _bindings(scope: ast.AST) -> Iterator[tuple[str, ast.Name]]:
    for node in ast.walk(scope):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            yield node.id, node


def _arguments(test: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.arg]:
    return [*test.args.posonlyargs, *test.args.args, *test.args.kwonlyargs]
