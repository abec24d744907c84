"""The functions of a Python file: their lines, their statements, the names in their scope."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from agent.edits import anchor
from engine import Passage
from verifiers import parse_python

_Definition = ast.FunctionDef | ast.AsyncFunctionDef
_MAX_NAMES = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionSource:
    """One function or method with its lines; inner functions belong to the outer one."""

    path: str
    qualname: str
    first_line: int
    """1-based, the line of `def`: decorators are left out."""
    last_line: int
    lines: tuple[str, ...]
    statements: tuple[range, ...]
    """1-based lines of each statement; of a compound statement only those of its head."""
    names: tuple[str, ...]
    """Names in scope: methods of the class first, then what the module defines and imports."""

    def passage(self, weights: Mapping[int, float]) -> Passage:
        """The lines as an engine takes them; `weights` is suspicion (0..1) by line, else 0."""
        numbers = range(self.first_line, self.last_line + 1)
        return Passage(
            path=self.path,
            lines=self.lines,
            anchors=tuple(anchor(n, text) for n, text in zip(numbers, self.lines, strict=True)),
            weights=tuple(weights.get(number, 0.0) for number in numbers),
            names=self.names,
        )


def read_functions(path: str, source: str) -> list[FunctionSource]:
    """Every function of a file, in the order of the file; none where it does not parse."""
    try:
        tree = parse_python(source)
    except SyntaxError:
        return []
    lines = [line.removesuffix("\r") for line in source.split("\n")]
    module_names = tuple(_defined(tree.body))
    return [
        _function(path, node, owners, lines, module_names) for owners, node in _definitions(tree)
    ]


def _function(
    path: str,
    node: _Definition,
    owners: tuple[ast.ClassDef, ...],
    lines: list[str],
    module_names: tuple[str, ...],
) -> FunctionSource:
    last_line = node.end_lineno or node.lineno
    methods = _defined(owners[-1].body) if owners else ()
    names = [name for name in dict.fromkeys([*methods, *module_names]) if name != node.name]
    return FunctionSource(
        path=path,
        qualname=".".join([*(owner.name for owner in owners), node.name]),
        first_line=node.lineno,
        last_line=last_line,
        lines=tuple(lines[node.lineno - 1 : last_line]),
        statements=tuple(_heads(node)),
        names=tuple(names[:_MAX_NAMES]),
    )


def _definitions(tree: ast.Module) -> Iterator[tuple[tuple[ast.ClassDef, ...], _Definition]]:
    pending: list[tuple[tuple[ast.ClassDef, ...], ast.AST]] = [((), tree)]
    while pending:
        owners, node = pending.pop()
        if isinstance(node, _Definition):
            yield owners, node
            continue
        if isinstance(node, ast.ClassDef):
            owners = (*owners, node)
        inner = [one for one in ast.iter_child_nodes(node) if not isinstance(one, ast.expr)]
        pending += [(owners, one) for one in reversed(inner)]


def _heads(node: _Definition) -> Iterator[range]:
    for child in ast.walk(node):
        if isinstance(child, ast.stmt | ast.ExceptHandler) and child is not node:
            yield range(child.lineno, _head_end(child) + 1)


def _head_end(node: ast.stmt | ast.ExceptHandler) -> int:
    body: list[ast.stmt] = getattr(node, "body", None) or getattr(node, "cases", None) or []
    if not body:
        return node.end_lineno or node.lineno
    first = body[0].pattern if isinstance(body[0], ast.match_case) else body[0]
    return max(node.lineno, first.lineno - 1)


def _defined(body: Iterable[ast.stmt]) -> dict[str, None]:
    """Functions and classes first, then variables, then imports: what is defined here is nearer."""
    made: dict[str, None] = {}
    variables: dict[str, None] = {}
    imported: dict[str, None] = {}
    for node in _flat(body):
        if isinstance(node, _Definition | ast.ClassDef):
            made[node.name] = None
        elif isinstance(node, ast.Import | ast.ImportFrom):
            imported.update(dict.fromkeys(_bound(node)))
        else:
            names = (n for n in ast.walk(node) if isinstance(n, ast.Name))
            variables.update((n.id, None) for n in names if isinstance(n.ctx, ast.Store))
    return {**made, **variables, **imported}


def _flat(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements of a scope, those inside `if`, `try` and `with` included."""
    for node in body:
        yield node
        if isinstance(node, ast.If | ast.Try | ast.With):
            inner = [one for one in ast.iter_child_nodes(node) if isinstance(one, ast.stmt)]
            yield from _flat(inner)


def _bound(node: ast.Import | ast.ImportFrom) -> list[str]:
    """Names that an import binds; `from __future__` and `*` bind none that could be used."""
    if isinstance(node, ast.ImportFrom) and node.module == "__future__":
        return []
    return [(a.asname or a.name).partition(".")[0] for a in node.names if a.name != "*"]
