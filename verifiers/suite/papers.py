"""Test files as exam papers: the same tests, some of them with one assertion that is false."""

from __future__ import annotations

import ast
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from verifiers.parsing import parse_python

from .expectations import (
    Names,
    Test,
    expected_name,
    false_condition_of,
    false_statement,
    is_tolerated,
    names_in,
    parameter_rows,
    rows_twice,
)
from .false_twins import expects_exception

_PARAMETER_TWINS = 2
"""Of a test whose expected values stand in its parameters: each changes all of them."""
_MOST_TWINS = 8
"""Assertions of one test that are considered, the last ones: a test that passes comes to them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Twin:
    """One assertion of a test, and what stands in its place when it is to be false."""

    begin: tuple[int, int]
    """1-based line, and column in bytes."""
    end: tuple[int, int]
    text: str
    sure: bool
    """True where every run of the test comes by, if nothing fails before."""
    true_text: str
    """What stands there when it is to be true: no test of a paper may look like the one that the judged code may know."""
    renames: bool = False
    """True where the function's tests get other ids, whether it is true or false: it stands in their parameters."""

    @property
    def truth(self) -> Twin:
        """The same place, true."""
        return replace(self, text=self.true_text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One test file, and the twins of its functions by the line where a function begins, decorators included."""

    path: str
    source: bytes
    twins: Mapping[int, Sequence[Twin]]
    names: Mapping[int, str]
    """Of all functions, by line."""
    mentions: frozenset[str]
    """Every name that the file's code mentions: a test that another test calls cannot be made false alone."""

    def written(self, chosen: Mapping[int, Twin]) -> bytes:
        """The file with the chosen twins in place, on the same lines, and a tail that makes it unlike any other."""
        lines = self.source.split(b"\n")
        for twin in sorted(chosen.values(), key=lambda twin: twin.begin, reverse=True):
            _splice(lines, twin)
        return b"\n".join([*lines, b"# %032x" % random.SystemRandom().getrandbits(128), b""])


def read_sheet(path: str, source: bytes, chance: random.Random) -> Sheet | None:
    """The assertions of one test file; None where it is no Python in UTF-8."""
    try:
        tree = parse_python(source)
        source.decode()
    except (SyntaxError, ValueError):
        return None
    twins = {line: tuple(_twins(test, chance)) for line, test in _functions(tree)}
    return Sheet(
        path=path,
        source=source,
        twins={line: some for line, some in twins.items() if some},
        names={line: test.name for line, test in _functions(tree)},
        mentions=frozenset(_mentions(tree)),
    )


def _mentions(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name):
                yield name


def _functions(tree: ast.Module) -> Iterator[tuple[int, Test]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield min([node.lineno, *(one.lineno for one in node.decorator_list)]), node


def _twins(test: Test, chance: random.Random) -> Iterator[Twin]:
    """Those in the test's parameters last: they are tried first, and code that reads what is expected finds no truth there."""
    names, places = names_in(test), list(_assertions(test.body, sure=True))
    yield from list(_in_place(places, names, chance))[-_MOST_TWINS:]
    for (_, node), sure in places if test.decorator_list else ():
        if sure:
            yield from _in_rows(test, node, names, chance)


def _in_rows(test: Test, node: ast.expr, names: Names, chance: random.Random) -> Iterator[Twin]:
    name = expected_name(node, names)
    rows = parameter_rows(test, name) if name and names.uses[name] == 1 else None
    if rows is not None:
        for _ in range(_PARAMETER_TWINS):
            true, false = rows_twice(rows, chance, far=is_tolerated(node))
            yield _twin(rows.decorator, false, true, sure=True, renames=True)


def _in_place(
    places: Sequence[tuple[tuple[ast.stmt, ast.expr], bool]], names: Names, chance: random.Random
) -> Iterator[Twin]:
    for (statement, node), sure in places:
        if isinstance(statement, ast.Assert):
            twin: ast.expr | None = false_condition_of(node, names, chance)
        else:
            twin = false_statement(node, names, chance)
        if twin is not None:
            yield _twin(node, twin, node, sure=sure)


def _twin(
    where: ast.expr, false: ast.expr, true: ast.expr, *, sure: bool, renames: bool = False
) -> Twin:
    return Twin(
        begin=(where.lineno, where.col_offset),
        end=(where.end_lineno or where.lineno, where.end_col_offset or 0),
        text=_wrapped(false),
        true_text=_wrapped(true),
        sure=sure,
        renames=renames,
    )


def _wrapped(node: ast.expr) -> str:
    return f"({ast.unparse(ast.fix_missing_locations(node))},)[0]"


def _assertions(
    body: Sequence[ast.stmt], sure: bool
) -> Iterator[tuple[tuple[ast.stmt, ast.expr], bool]]:
    """Expressions that may assert, in order; `sure` ends at the first statement that may leave the test."""
    for statement in body:
        match statement:
            case ast.Assert(test=node):
                yield (statement, node), sure
            case ast.Expr(value=ast.Await(value=ast.Call() as node) | (ast.Call() as node)):
                yield (statement, node), sure
            case ast.With(items=items, body=inner) | ast.AsyncWith(items=items, body=inner):
                for item in items:
                    yield (statement, item.context_expr), sure
                raising = any(expects_exception(item.context_expr) for item in items)
                yield from _assertions(inner, sure and not raising)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                continue
            case _:
                yield from _assertions(_nested(statement), sure=False)
        sure = sure and not _may_leave(statement)


def _nested(statement: ast.stmt) -> list[ast.stmt]:
    parts = ("body", "orelse", "finalbody")
    return [inner for part in parts for inner in getattr(statement, part, [])]


def _may_leave(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Try | ast.While | ast.For | ast.AsyncFor | ast.If | ast.Match):
        return any(isinstance(node, ast.Return | ast.Raise) for node in ast.walk(statement))
    return isinstance(statement, ast.Return | ast.Raise)


def _splice(lines: list[bytes], twin: Twin) -> None:
    (first, column), (last, end) = twin.begin, twin.end
    before, after = lines[first - 1][:column], lines[last - 1][end:]
    text = twin.text.replace("\n", " ").encode()
    filled = [before + b"(" + text, *[b""] * (last - first)]
    filled[-1] += b")" + after
    lines[first - 1 : last] = filled
