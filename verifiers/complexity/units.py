"""A Python file cut into units: functions, methods, and one unit for all code outside them."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from verifiers.parsing import parse_python

from .syntax import FUNCTIONS, FunctionNode

MODULE = "<module>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """A piece of code that is measured as a whole. Equal digests mean equal source."""

    name: str
    """Qualified by classes; a second definition of one name is `name#2`."""
    line: int
    """1-based first line, decorators included."""
    digest: bytes
    node: ast.AST
    skipped: frozenset[int] = frozenset()
    """Identities of nodes inside it that are units of their own."""


def units(source: bytes) -> Iterator[Unit]:
    """Every unit of a file.

    Raises:
        SyntaxError: the source is not Python.
    """
    tree = parse_python(source)
    lines = source.splitlines(keepends=True)
    seen: dict[str, int] = {}
    outside = set(range(len(lines)))
    functions = list(_functions(tree))
    for qualified, node in functions:
        seen[qualified] = seen.get(qualified, 0) + 1
        first, last = _first_line(node), node.end_lineno or node.lineno
        outside.difference_update(range(first - 1, last))
        yield Unit(
            name=qualified if seen[qualified] == 1 else f"{qualified}#{seen[qualified]}",
            line=first,
            digest=_digest(lines[first - 1 : last]),
            node=node,
        )
    yield Unit(
        name=MODULE,
        line=1,
        digest=_digest([lines[number] for number in sorted(outside)]),
        node=tree,
        skipped=frozenset(id(node) for _, node in functions),
    )


def _functions(tree: ast.Module) -> Iterator[tuple[str, FunctionNode]]:
    """Functions and methods in the order of the file; inner functions belong to the outer one."""
    pending: list[tuple[str, ast.AST]] = [("", tree)]
    while pending:
        prefix, node = pending.pop()
        if isinstance(node, FUNCTIONS):
            yield prefix + node.name, node
            continue
        if isinstance(node, ast.ClassDef):
            prefix += f"{node.name}."
        inner = [one for one in ast.iter_child_nodes(node) if not isinstance(one, ast.expr)]
        pending += [(prefix, one) for one in reversed(inner)]


def _first_line(node: FunctionNode) -> int:
    return min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])


def _digest(lines: list[bytes]) -> bytes:
    return hashlib.blake2b(b"".join(lines), digest_size=16).digest()
