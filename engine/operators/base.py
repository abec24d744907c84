"""What an edit operator is, and the view of a function that operators read.

An operator knows one kind of mistake in both directions: `breaks` turns right code into that mistake (training data),
`repairs` undoes it (candidates). Both give text edits on the function's source, so that layout survives.
"""

from __future__ import annotations

import ast
import builtins
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias

from engine.parsing import parse_python

Family: TypeAlias = Literal["one-token", "insertion"]


@dataclass(frozen=True, slots=True)
class TextEdit:
    """Replace `source[start:end]` by `text`."""

    start: int
    end: int
    text: str

    def apply(self, source: str) -> str:
        """The source after the edit."""
        return source[: self.start] + self.text + source[self.end :]


class FunctionView:
    """One function: its source without comments and docstring, flush left, and its syntax tree.

    Args:
        source: the text of one `def`.
        names: names in scope around it, most useful first.

    Raises:
        SyntaxError: the source does not parse.
    """

    def __init__(self, source: str, names: Sequence[str] = ()) -> None:
        self.source = source
        self.outer_names = tuple(names)
        self.tree = parse_python(source)
        self._line_starts = _line_starts(source)
        self._is_ascii = source.isascii()

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """Every node, breadth first."""
        return list(ast.walk(self.tree))

    @cached_property
    def definition(self) -> ast.FunctionDef | ast.AsyncFunctionDef:
        """The function itself."""
        return next(n for n in self.nodes if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))

    def offset(self, line: int, column: int) -> int:
        """Character offset of a 1-based line and a byte column."""
        start = self._line_starts[line - 1]
        if self._is_ascii:
            return start + column
        text = self.source[start:].split("\n", 1)[0]
        return start + len(text.encode()[:column].decode(errors="ignore"))

    def span(self, node: ast.AST) -> tuple[int, int]:
        """Character offsets of a node."""
        return (
            self.offset(node.lineno, node.col_offset),  # type: ignore[attr-defined]
            self.offset(node.end_lineno, node.end_col_offset),  # type: ignore[attr-defined]
        )

    def text(self, node: ast.AST) -> str:
        """The source of a node."""
        start, end = self.span(node)
        return self.source[start:end]

    def replace(self, node: ast.AST, text: str) -> TextEdit:
        """An edit that puts `text` in the place of a node."""
        return TextEdit(*self.span(node), text)

    def line_span(self, first: int, last: int) -> tuple[int, int]:
        """Character offsets of whole lines, newline included."""
        end = self._line_starts[last] if last < len(self._line_starts) else len(self.source)
        return self._line_starts[first - 1], end

    def indent_of(self, line: int) -> str:
        """Leading blanks of a 1-based line."""
        start, end = self.line_span(line, line)
        text = self.source[start:end]
        return text[: len(text) - len(text.lstrip(" \t"))]

    @cached_property
    def blocks(self) -> list[list[ast.stmt]]:
        """Every suite of statements inside the function."""
        found = []
        for node in self.nodes:
            for name in ("body", "orelse", "finalbody"):
                block = getattr(node, name, None)
                if isinstance(block, list) and block and not isinstance(node, ast.Module):
                    found.append(block)
        return found

    @cached_property
    def local_names(self) -> list[str]:
        """Parameters and assigned names, most used first."""
        bound = {a.arg for n in self.nodes if isinstance(n, ast.arguments) for a in _arguments(n)}
        uses: Counter[str] = Counter()
        for node in self.nodes:
            if isinstance(node, ast.Name):
                uses[node.id] += 1
                if isinstance(node.ctx, ast.Store):
                    bound.add(node.id)
        return sorted(bound, key=lambda name: (-uses[name], name))

    @cached_property
    def used_globals(self) -> list[str]:
        """Names that are read but bound elsewhere, builtins left out."""
        known = set(self.local_names) | set(dir(builtins))
        names = Counter(n.id for n in self.nodes if isinstance(n, ast.Name) and n.id not in known)
        return [name for name, _ in names.most_common()]

    @cached_property
    def attributes(self) -> list[str]:
        """Attribute names in the function, most used first."""
        names = Counter(n.attr for n in self.nodes if isinstance(n, ast.Attribute))
        return [name for name, _ in names.most_common()]

    @cached_property
    def tests(self) -> list[ast.expr]:
        """Conditions of if, while, ternaries and comprehensions."""
        found: list[ast.expr] = []
        for node in self.nodes:
            if isinstance(node, ast.If | ast.While | ast.IfExp):
                found.append(node.test)
            elif isinstance(node, ast.comprehension):
                found.extend(node.ifs)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """One kind of mistake, in both directions.

    `weight` is the share of this kind in the training data, relative to the other kinds that a function allows.
    """

    kind: str
    family: Family
    weight: float
    breaks: Callable[[FunctionView], Iterator[TextEdit]]
    repairs: Callable[[FunctionView], Iterator[TextEdit]]


def nothing(_view: FunctionView) -> Iterator[TextEdit]:
    """For kinds that only the model can repair."""
    return iter(())


def _line_starts(source: str) -> list[int]:
    starts = [0]
    for index, char in enumerate(source):
        if char == "\n":
            starts.append(index + 1)
    return starts


def _arguments(node: ast.arguments) -> list[ast.arg]:
    extra = [a for a in (node.vararg, node.kwarg) if a is not None]
    return [*node.posonlyargs, *node.args, *node.kwonlyargs, *extra]
