"""Missing conditions: a guard, a branch, a conjunct. `breaks` deletes them, `repairs` writes likely ones."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterator

from .base import FunctionView, TextEdit

_JUMPS = (ast.Return, ast.Raise, ast.Continue, ast.Break)


def drop_conjunct(view: FunctionView) -> Iterator[TextEdit]:
    """`a and b` becomes `a`."""
    for node in view.nodes:
        if isinstance(node, ast.BoolOp):
            for index, value in enumerate(node.values):
                start, end = view.span(value)
                if index:
                    yield TextEdit(view.span(node.values[index - 1])[1], end, "")
                else:
                    yield TextEdit(start, view.span(node.values[1])[0], "")


def add_conjunct(view: FunctionView) -> Iterator[TextEdit]:
    """`if a` becomes `if a and c` or `if a or c`."""
    conditions = _conditions(view)
    for test in view.tests:
        text = view.text(test)
        plain = not isinstance(test, ast.BoolOp | ast.IfExp | ast.Lambda)
        for condition in conditions:
            if condition != text:
                for word in ("and", "or"):
                    yield view.replace(test, f"{text if plain else f'({text})'} {word} {condition}")
                yield view.replace(test, f"{condition} and {text if plain else f'({text})'}")


def drop_guard(view: FunctionView) -> Iterator[TextEdit]:
    """An `if` whose body only jumps is deleted."""
    for block in view.blocks:
        for node in block:
            if isinstance(node, ast.If) and not node.orelse and isinstance(node.body[-1], _JUMPS):
                if len(block) > 1 and len(node.body) <= 3:
                    yield TextEdit(*_lines_of(view, node), "")


def add_guard(view: FunctionView) -> Iterator[TextEdit]:
    """`if c: return …`, `continue` or `break` before a statement."""
    returns = [view.text(n) for n in view.nodes if isinstance(n, ast.Return)]
    jumps = list(dict.fromkeys([*returns, "return None", "return"]))[:4]
    loops = [n for n in view.nodes if isinstance(n, ast.For | ast.While)]
    for block in view.blocks:
        in_loop = any(block[0] in ast.walk(loop) for loop in loops)
        for node in block[:3]:
            for condition in _conditions(view)[:8]:
                for jump in ["continue", "break", *jumps[:1]] if in_loop else jumps:
                    yield _insert_before(view, node, f"if {condition}:\n    {jump}")


def drop_branch(view: FunctionView) -> Iterator[TextEdit]:
    """`if c: body` becomes `body`; an `elif` or `else` disappears."""
    for block in view.blocks:
        for node in block:
            if isinstance(node, ast.If) and not _is_elif(view, node):
                if not node.orelse:
                    yield TextEdit(*_lines_of(view, node), _body_text(view, node, node.body))
                elif len(node.orelse) == 1 and isinstance(node.orelse[0], ast.If):
                    yield from _without_elif(view, node, node.orelse[0])
                else:
                    first, last = _lines_after(view, node), node.orelse[-1].end_lineno or 0
                    yield TextEdit(*view.line_span(first, last), "")


def add_branch(view: FunctionView) -> Iterator[TextEdit]:
    """One statement comes under an `if`."""
    for block in view.blocks:
        for node in block:
            if isinstance(node, ast.Assign | ast.AugAssign | ast.Expr | ast.Return | ast.Raise):
                start, end = _lines_of(view, node)
                indent = view.indent_of(node.lineno)
                body = textwrap.indent(view.source[start:end], "    ")
                for condition in _conditions(view)[:10]:
                    yield TextEdit(start, end, f"{indent}if {condition}:\n{body}")


def drop_handler(view: FunctionView) -> Iterator[TextEdit]:
    """`try: body except …` becomes `body`; one of several exception types is forgotten."""
    for node in view.nodes:
        if isinstance(node, ast.Try) and not node.finalbody and not node.orelse:
            yield TextEdit(*_lines_of(view, node), _body_text(view, node, node.body))
        elif isinstance(node, ast.ExceptHandler) and isinstance(node.type, ast.Tuple):
            for kept in node.type.elts:
                yield view.replace(node.type, view.text(kept))


def _conditions(view: FunctionView) -> list[str]:
    """Conditions worth trying: those of the function, then simple ones over its names."""
    seen = [view.text(t) for t in view.tests if len(view.text(t)) <= 40]
    parts = [view.text(v) for n in view.nodes if isinstance(n, ast.BoolOp) for v in n.values]
    reads = [f"self.{a}" for a in view.attributes[:3]] if "self" in view.local_names else []
    names = [n for n in [*view.local_names, *reads] if n not in ("self", "cls")][:8]
    simple = [
        form.format(n) for n in names for form in ("{}", "not {}", "{} is not None", "{} is None")
    ]
    return list(dict.fromkeys([*simple, *[p for p in parts if len(p) <= 40], *seen]))[:48]


def _insert_before(view: FunctionView, node: ast.stmt, text: str) -> TextEdit:
    start, _ = view.line_span(node.lineno, node.lineno)
    return TextEdit(start, start, textwrap.indent(text, view.indent_of(node.lineno)) + "\n")


def _lines_of(view: FunctionView, node: ast.stmt) -> tuple[int, int]:
    return view.line_span(node.lineno, node.end_lineno or node.lineno)


def _lines_after(view: FunctionView, node: ast.If) -> int:
    return (node.body[-1].end_lineno or 0) + 1


def _is_elif(view: FunctionView, node: ast.If) -> bool:
    return view.source.startswith("elif", view.offset(node.lineno, node.col_offset))


def _without_elif(view: FunctionView, node: ast.If, branch: ast.If) -> Iterator[TextEdit]:
    if _is_elif(view, branch):
        last = branch.body[-1].end_lineno or 0
        yield TextEdit(*view.line_span(branch.lineno, last), "")
    yield TextEdit(*view.line_span(_lines_after(view, node), node.end_lineno or 0), "")


def _body_text(view: FunctionView, node: ast.stmt, body: list[ast.stmt]) -> str:
    start, end = view.line_span(body[0].lineno, body[-1].end_lineno or 0)
    text = textwrap.dedent(view.source[start:end])
    if body[0].lineno == node.lineno:
        text = view.source[view.span(body[0])[0] : view.span(body[-1])[1]] + "\n"
    return textwrap.indent(text, view.indent_of(node.lineno))
