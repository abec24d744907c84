"""The lines of a function as the model reads them: flush left, without docstring, comments and blank lines.

`Listing.origin` leads every line back to the file, so that an edit of the listing becomes an edit of the file.
"""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Sequence
from dataclasses import dataclass

from engine.parsing import parse_python

Definition = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Listing:
    """Lines for the model and where they came from."""

    lines: tuple[str, ...]
    origin: tuple[int, ...]
    """0-based index of each line in the raw lines."""
    indent: str
    """Blanks that were removed at the left."""

    @property
    def source(self) -> str:
        """The listing as text."""
        return "\n".join(self.lines) + "\n"

    def restore(self, line: str) -> str:
        """A line of the model with the indentation of the file."""
        return self.indent + line if line.strip() else ""


def read_listing(raw_lines: Sequence[str]) -> Listing:
    """Make the listing of one function, decorators left out.

    Raises:
        SyntaxError: the lines are not one function or class member that parses.
    """
    indent = _indentation(raw_lines)
    flush = [line[len(indent) :] if line.startswith(indent) else line for line in raw_lines]
    tree = parse_python("\n".join(flush) + "\n")
    definition = next((n for n in tree.body if isinstance(n, Definition)), None)
    if definition is None:
        raise SyntaxError("no function definition in these lines")
    return list_definition(definition, flush, indent)


def list_definition(node: Definition, lines: Sequence[str], indent: str = "") -> Listing:
    """The listing of a parsed definition; `lines` are those that it was parsed from."""
    inside = _inside_strings(node)
    skipped = _docstring_lines(node)
    kept: list[tuple[int, str]] = []
    for index in range(node.lineno - 1, node.end_lineno or node.lineno):
        text = lines[index].rstrip()
        if index not in inside:
            text = _without_comment(text)
        if index not in skipped and (text.strip() or index in inside):
            kept.append((index, text))
    left = node.col_offset
    return Listing(
        tuple(text[left:] if text[:left].isspace() else text for _, text in kept),
        tuple(index for index, _ in kept),
        indent + " " * left,
    )


def _indentation(lines: Sequence[str]) -> str:
    for line in lines:
        if line.lstrip().startswith(("def ", "async def ", "@")):
            return line[: len(line) - len(line.lstrip())]
    return ""


def _docstring_lines(node: Definition) -> set[int]:
    first = node.body[0]
    if ast.get_docstring(node, clean=False) is None or len(node.body) == 1:
        return set()
    return set(range(first.lineno - 1, first.end_lineno or first.lineno))


def _inside_strings(node: Definition) -> set[int]:
    """0-based lines that begin inside a string."""
    inside: set[int] = set()
    for child in ast.walk(node):
        if isinstance(child, ast.Constant | ast.JoinedStr) and child.end_lineno != child.lineno:
            inside |= set(range(child.lineno, child.end_lineno or child.lineno))
    return inside


def _without_comment(line: str) -> str:
    if "#" not in line:
        return line
    try:
        for token in tokenize.generate_tokens(io.StringIO(line.strip()).readline):
            if token.type == tokenize.COMMENT:
                blanks = len(line) - len(line.lstrip())
                return line[: blanks + token.start[1]].rstrip()
    except (tokenize.TokenError, SyntaxError):
        return line  # part of a longer statement or string: kept as it is
    return line
