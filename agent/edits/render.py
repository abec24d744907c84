"""Operations as the plain text that `parse` reads."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence

from .ops import Create, Delete, Edit, Insert, Operation

GUTTER = "|"

_NEEDS_QUOTES = re.compile(r'\s|"|^$')


def render_changes(operations: Sequence[Operation]) -> str:
    """The change stream of `operations`, closed by the count of operations."""
    bodies = "".join(f"{_head(operation)}{_body(operation)}" for operation in operations)
    return f"{bodies}@@ done {len(operations)}\n"


def render_path(path: str) -> str:
    """A path as a header writes it: bare, or as JSON when it holds white space or a quote."""
    return json.dumps(path, ensure_ascii=False) if _NEEDS_QUOTES.search(path) else path


def render_body(lines: Iterable[str]) -> str:
    """Lines with the gutter that keeps them apart from headers."""
    return "".join(f"{GUTTER}{line}\n" for line in lines)


def _head(operation: Operation) -> str:
    path = render_path(operation.path)
    match operation:
        case Edit(start=start, end=end):
            return f"@@ edit {path} {start}..{end}\n"
        case Delete(start=start, end=end):
            return f"@@ delete {path} {start}..{end}\n"
        case Insert(where="start" | "end" as where):
            return f"@@ insert {path} at {where}\n"
        case Insert(where=where, anchor=anchor):
            return f"@@ insert {path} {where} {anchor}\n"
        case Create():
            return f"@@ create {path}\n"


def _body(operation: Operation) -> str:
    return "" if isinstance(operation, Delete) else render_body(operation.lines)
