"""Missing statements: `breaks` deletes one to six lines; a missing `return` can be put back by rule, the rest by the model."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from .base import FunctionView, TextEdit

_SIMPLE = (ast.Assign, ast.AugAssign, ast.Expr, ast.AnnAssign, ast.Delete, ast.Raise, ast.Return)


def drop_statement(view: FunctionView) -> Iterator[TextEdit]:
    """One simple statement is deleted."""
    for block in view.blocks:
        for node in block:
            if isinstance(node, _SIMPLE) and len(block) > 1:
                yield TextEdit(*view.line_span(node.lineno, node.end_lineno or node.lineno), "")


def drop_run(view: FunctionView) -> Iterator[TextEdit]:
    """Two or three statements in a row, at most six lines, are deleted."""
    for block in view.blocks:
        for length in (2, 3):
            for first, last in zip(block, block[length - 1 :], strict=False):
                if (last.end_lineno or 0) - first.lineno < 6 and len(block) > length:
                    yield TextEdit(*view.line_span(first.lineno, last.end_lineno or 0), "")


def drop_compound(view: FunctionView) -> Iterator[TextEdit]:
    """A whole small `if`, `for` or `with` is deleted."""
    for block in view.blocks:
        for node in block:
            if isinstance(node, ast.If | ast.For | ast.With | ast.Try) and len(block) > 1:
                if (node.end_lineno or 0) - node.lineno < 6 and not _is_elif(view, node):
                    yield TextEdit(*view.line_span(node.lineno, node.end_lineno or 0), "")


def drop_return(view: FunctionView) -> Iterator[TextEdit]:
    """`return x` becomes `x`, or returns nothing."""
    for node in view.nodes:
        if isinstance(node, ast.Return) and node.value is not None:
            start, end = view.span(node)
            yield TextEdit(start, view.span(node.value)[0], "")
            yield TextEdit(start, end, "return")
            yield TextEdit(start, end, "return None")


def add_return(view: FunctionView) -> Iterator[TextEdit]:
    """A bare expression, or a local name at the end of a block, is returned."""
    for node in view.nodes:
        if isinstance(node, ast.Expr) and not isinstance(node.value, ast.Constant):
            start = view.span(node)[0]
            yield TextEdit(start, start, "return ")
        elif isinstance(node, ast.Return) and (
            node.value is None or view.text(node.value) == "None"
        ):
            yield from (view.replace(node, f"return {name}") for name in view.local_names[:8])
    last = view.definition.body[-1]
    if not isinstance(last, ast.Return):
        end = view.line_span(last.lineno, last.end_lineno or last.lineno)[1]
        gap = "" if view.source[:end].endswith("\n") else "\n"
        for name in view.local_names[:8]:
            yield TextEdit(
                end, end, f"{gap}{view.indent_of(view.definition.body[0].lineno)}return {name}\n"
            )


def delete_statement(view: FunctionView) -> Iterator[TextEdit]:
    """The repair for one statement too many."""
    yield from drop_statement(view)


def copy_statement(view: FunctionView) -> Iterator[TextEdit]:
    """A simple statement stands twice in a row: one too many."""
    for block in view.blocks:
        for node in block:
            if isinstance(node, ast.AugAssign | ast.Expr | ast.Assign):
                start, end = view.line_span(node.lineno, node.end_lineno or node.lineno)
                yield TextEdit(start, start, view.source[start:end])


def _is_elif(view: FunctionView, node: ast.stmt) -> bool:
    return view.source.startswith("elif", view.offset(node.lineno, node.col_offset))
