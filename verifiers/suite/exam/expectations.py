"""Where a test holds the value that it expects, so that it can be made false there, before the judged code runs.

A false value beside the call would come too late: code that reads the variable from its caller's frame, the parameters of the
item, or the number in its id, would find the true one and return it.
"""

from __future__ import annotations

import ast
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from .false_calls import expected_in_call, false_call, is_tolerant
from .false_twins import (
    called_name,
    expected_in_comparison,
    false_condition,
    other_at_run_time,
    other_than,
)

Test = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Names:
    """What the names in one test stand for."""

    bound: frozenset[str]
    """Parameters and variables of the test itself."""
    results: frozenset[str]
    """Variables that hold what a call returned: rather a result than an expectation."""
    uses: Counter[str]
    """How often each name is read."""


def names_in(test: Test) -> Names:
    """Look at the names of a test."""
    arguments = [*test.args.posonlyargs, *test.args.args, *test.args.kwonlyargs]
    stored = {n.id for n in _named(test) if isinstance(n.ctx, ast.Store)}
    elsewhere = {
        name for n in ast.walk(test) if isinstance(n, ast.Global | ast.Nonlocal) for name in n.names
    }
    return Names(
        bound=frozenset({a.arg for a in arguments} | stored) - elsewhere,
        results=frozenset(_results(test)),
        uses=Counter(n.id for n in _named(test) if isinstance(n.ctx, ast.Load)),
    )


def expected_name(node: ast.expr, names: Names) -> str:
    """The variable that holds what an assertion expects; "" where it is no variable of the test."""
    match node:
        case ast.BoolOp(op=ast.And(), values=[*_, last]):
            return expected_name(last, names)
        case ast.Compare(ops=[*_, ast.Eq()]):
            operands = [node.left, *node.comparators]
            value: ast.expr | None = operands[expected_in_comparison(node, names.results)]
        case ast.Call():
            index = expected_in_call(node, names.results)
            value = node.args[index] if 0 <= index < len(node.args) else None
        case _:
            return ""
    match value:
        case ast.Name(id=name) if name in names.bound - {"self", "cls"}:
            return name
        case ast.Call(args=[ast.Name(id=name), *_]) if called_name(value) == "approx":
            return name if name in names.bound else ""
    return ""


def false_statement(node: ast.expr, names: Names, chance: random.Random) -> ast.expr | None:
    """The false twin of what is asserted, or of a call that asserts; None where there is none.

    A variable that is expected, and not otherwise used there, gets another value first.
    """
    name = expected_name(node, names)
    if name and sum(1 for n in _named(node) if n.id == name) == 1:
        value = other_at_run_time(_load(name), chance, far=is_tolerated(node))
        other = ast.NamedExpr(ast.Name(name, ast.Store()), value)
        both = ast.List([other, node], ast.Load())
        return ast.Subscript(both, ast.Constant(-1), ast.Load())
    return false_call(node, chance, names.results) if isinstance(node, ast.Call) else None


def false_condition_of(node: ast.expr, names: Names, chance: random.Random) -> ast.expr:
    """The false twin of what `assert` is given."""
    if (twin := false_statement(node, names, chance)) is not None and not isinstance(
        node, ast.Call
    ):
        return twin
    return false_condition(node, chance, names.results)


def is_tolerated(node: ast.expr) -> bool:
    """True where something in an assertion takes what is nearly equal for equal."""
    return any(isinstance(n, ast.Call) and is_tolerant(n) for n in ast.walk(node))


@dataclass(frozen=True, slots=True)
class Rows:
    """`@pytest.mark.parametrize` with its rows written out, one of whose columns is what a test expects."""

    decorator: ast.Call
    rows: list[ast.expr]
    names: list[str]
    name: str


def parameter_rows(test: Test, name: str) -> Rows | None:
    """The rows that give `name` its values; None where they do not stand there one by one."""
    for decorator in test.decorator_list:
        match decorator:
            case ast.Call(
                args=[first, ast.List(elts=rows) | ast.Tuple(elts=rows)], keywords=[]
            ) if called_name(decorator) == "parametrize":
                names = _parameter_names(first)
                if name in names and rows and all(_can_change(row, names) for row in rows):
                    return Rows(decorator, rows, names, name)
    return None


def rows_twice(rows: Rows, chance: random.Random, *, far: bool) -> tuple[ast.Call, ast.Call]:
    """The decorator twice, true and false, with ids that are the same in both and hold no value: from ids one could tell."""
    place, num = rows.names.index(rows.name), len(rows.names)
    word = f"{chance.getrandbits(24):06x}"
    ids = ast.List([ast.Constant(f"{word}-{i}") for i in range(len(rows.rows))], ast.Load())
    true = ast.List([_without_id(row) for row in rows.rows], ast.Load())
    false = ast.List([_changed(row, place, num, far, chance) for row in true.elts], ast.Load())
    call, first = rows.decorator.func, rows.decorator.args[0]
    keyword = ast.keyword("ids", ids)
    return ast.Call(call, [first, true], [keyword]), ast.Call(call, [first, false], [keyword])


def _without_id(row: ast.expr) -> ast.expr:
    if isinstance(row, ast.Call) and called_name(row) == "param":
        return ast.Call(row.func, row.args, [k for k in row.keywords if k.arg != "id"])
    return row


def _parameter_names(node: ast.expr) -> list[str]:
    match node:
        case ast.Constant(value=str() as text):
            return [name.strip() for name in text.split(",") if name.strip()]
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return [
                i.value for i in items if isinstance(i, ast.Constant) and isinstance(i.value, str)
            ]
    return []


def _can_change(row: ast.expr, names: list[str]) -> bool:
    match row:
        case ast.Starred():
            return False
        case ast.Call() if called_name(row) == "param":
            return len(row.args) == len(names) and not _has_star(row.args)
        case ast.Tuple(elts=items) | ast.List(elts=items) if len(names) > 1:
            return len(items) == len(names) and not _has_star(items)
    return len(names) == 1


def _changed(
    row: ast.expr, place: int, num_names: int, far: bool, chance: random.Random
) -> ast.expr:
    match row:
        case ast.Call() if called_name(row) == "param":
            return ast.Call(row.func, _with_other(row.args, place, far, chance), row.keywords)
        case ast.Tuple(elts=items) | ast.List(elts=items) if num_names > 1:
            return ast.Tuple(_with_other(items, place, far, chance), ast.Load())
    return other_than(row, chance, far=far)


def _with_other(
    items: list[ast.expr], place: int, far: bool, chance: random.Random
) -> list[ast.expr]:
    return [
        other_than(item, chance, far=far) if i == place else item for i, item in enumerate(items)
    ]


def _has_star(items: list[ast.expr]) -> bool:
    return any(isinstance(item, ast.Starred) for item in items)


def _results(test: Test) -> Iterator[str]:
    for node in ast.walk(test):
        if isinstance(node, ast.Assign) and any(
            isinstance(n, ast.Call) for n in ast.walk(node.value)
        ):
            yield from (n.id for target in node.targets for n in _named(target))


def _named(node: ast.AST) -> Iterator[ast.Name]:
    return (n for n in ast.walk(node) if isinstance(n, ast.Name))


def _load(name: str) -> ast.Name:
    return ast.Name(name, ast.Load())
