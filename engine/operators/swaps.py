"""Wrong operator, constant, negation or index: mistakes of one token, the same in both directions."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator

from .base import FunctionView, TextEdit

_COMPARE = {
    "<": ("<=", ">"),
    "<=": ("<", ">="),
    ">": (">=", "<"),
    ">=": (">", "<="),
    "==": ("!=",),
    "!=": ("==",),
    "is not": ("is",),
    "is": ("is not",),
    "not in": ("in",),
    "in": ("not in",),
}
_ARITHMETIC = {
    "+": ("-", "*"),
    "-": ("+",),
    "*": ("+", "/", "**"),
    "/": ("//", "*"),
    "//": ("/", "%"),
    "%": ("//",),
    "**": ("*",),
    "&": ("|",),
    "|": ("&", "^"),
    "^": ("&", "|"),
    "<<": (">>",),
    ">>": ("<<",),
}
_AUGMENTED = {
    "+=": ("-=", "="),
    "-=": ("+=",),
    "*=": ("/=", "+="),
    "/=": ("*=", "//="),
    "|=": ("&=", "="),
}
_OPERATOR = re.compile(
    r"not\s+in\b|is\s+not\b|\*\*=?|//=?|<<=?|>>=?|[<>=!]=|[-+*/%&|^@]=|\bin\b|\bis\b|[-+*/%&|^<>]"
)


def comparisons(view: FunctionView) -> Iterator[TextEdit]:
    """`a < b` for `a <= b`, `is` for `is not`, `in` for `not in`."""
    for node in view.nodes:
        if isinstance(node, ast.Compare):
            operands = [node.left, *node.comparators]
            for left, right in itertools.pairwise(operands):
                yield from _between(view, left, right, _COMPARE)


def arithmetic(view: FunctionView) -> Iterator[TextEdit]:
    """`a + b` for `a - b`, `/` for `//`."""
    for node in view.nodes:
        if isinstance(node, ast.BinOp):
            yield from _between(view, node.left, node.right, _ARITHMETIC)


def augmented(view: FunctionView) -> Iterator[TextEdit]:
    """`+=` for `-=` or `=`."""
    for node in view.nodes:
        if isinstance(node, ast.AugAssign):
            yield from _between(view, node.target, node.value, _AUGMENTED)


def plain_to_augmented(view: FunctionView) -> Iterator[TextEdit]:
    """`x = y` becomes `x += y` where `x` was bound before."""
    for node in view.nodes:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name | ast.Attribute):
            yield from _between(view, node.targets[0], node.value, {"=": ("+=",)}, re.compile("="))


def constants(view: FunctionView) -> Iterator[TextEdit]:
    """A number off by one, True for False, another literal of the same function."""
    literals = [n for n in view.nodes if isinstance(n, ast.Constant)]
    strings = list(dict.fromkeys(n.value for n in literals if isinstance(n.value, str)))[:8]
    for node in literals:
        for text in _other_literals(node.value, strings):
            if view.text(node) != text and not _in_fstring(view, node):
                yield view.replace(node, text)


def boolean(view: FunctionView) -> Iterator[TextEdit]:
    """`and` for `or`."""
    for node in view.nodes:
        if isinstance(node, ast.BoolOp):
            old = "and" if isinstance(node.op, ast.And) else "or"
            new = "or" if old == "and" else "and"
            for left, right in zip(node.values, node.values[1:], strict=False):
                yield from _between(view, left, right, {old: (new,)}, re.compile(rf"\b{old}\b"))


def negation(view: FunctionView) -> Iterator[TextEdit]:
    """`not x` for `x` in a condition."""
    for test in view.tests:
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            yield view.replace(test, view.text(test.operand))
        elif isinstance(test, ast.Name | ast.Attribute | ast.Call | ast.Subscript):
            yield view.replace(test, f"not {view.text(test)}")
    for node in view.nodes:
        if isinstance(node, ast.Return) and isinstance(node.value, ast.UnaryOp):
            if isinstance(node.value.op, ast.Not):
                yield view.replace(node.value, view.text(node.value.operand))


def indexes(view: FunctionView) -> Iterator[TextEdit]:
    """First for last, a neighbour, a slice without one of its bounds."""
    for node in view.nodes:
        if not isinstance(node, ast.Subscript) or not isinstance(node.ctx, ast.Load):
            continue
        if isinstance(node.slice, ast.Slice):
            yield from _slice_bounds(view, node.slice)
        elif isinstance(node.slice, ast.Name | ast.BinOp):
            old = view.text(node.slice)
            yield from (view.replace(node.slice, f"{old} {sign} 1") for sign in "-+")
        elif view.text(node.slice) in ("0", "-1"):
            yield view.replace(node.slice, "-1" if view.text(node.slice) == "0" else "0")


def off_by_one(view: FunctionView) -> Iterator[TextEdit]:
    """`n` for `n + 1`, and the reverse, in arguments, returns and comparisons."""
    for node in view.nodes:
        if isinstance(node, ast.BinOp) and view.text(node.right) == "1":
            yield view.replace(node, view.text(node.left))
    for value in _countable(view):
        yield from (view.replace(value, f"{view.text(value)} {sign} 1") for sign in "+-")


def _countable(view: FunctionView) -> Iterator[ast.expr]:
    for node in view.nodes:
        values: list[ast.expr] = []
        if isinstance(node, ast.Call) and len(node.args) <= 3:
            values = node.args if view.text(node.func) == "range" else []
        elif isinstance(node, ast.Compare):
            values = [*node.comparators, node.left]
        elif isinstance(node, ast.Return) and node.value is not None:
            values = [node.value]
        elif isinstance(node, ast.Slice):
            values = [v for v in (node.lower, node.upper) if v is not None]
        for value in values:
            if isinstance(value, ast.Name | ast.Attribute) or _is_len(value):
                yield value


def _is_len(value: ast.expr) -> bool:
    return (
        isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "len"
    )


def _slice_bounds(view: FunctionView, node: ast.Slice) -> Iterator[TextEdit]:
    for bound in (node.lower, node.upper):
        if bound is not None:
            yield view.replace(bound, "")
            if not isinstance(bound, ast.Constant):
                yield from (view.replace(bound, f"{view.text(bound)} {sign} 1") for sign in "-+")


def _other_literals(value: object, strings: list[str]) -> list[str]:
    if isinstance(value, bool):
        return [repr(not value)]
    if isinstance(value, int):
        near = [value + 1, value - 1, -value] + ([0, 1, -1] if abs(value) <= 2 else [])
        return [repr(v) for v in dict.fromkeys(near) if v != value]
    if isinstance(value, float):
        return [repr(v) for v in (-value, value * 10, value / 10)] if value else ["1.0"]
    if value is None:
        return ["False", "True", "[]", "''"]
    if isinstance(value, str):
        others = [s for s in strings if s != value and len(s) <= 24]
        return [repr(s) for s in ([*others, ""] if value else [*others, " "])]
    return []


def _in_fstring(view: FunctionView, node: ast.Constant) -> bool:
    return isinstance(node.value, str) and view.text(node)[-1:] not in "'\""


def _between(
    view: FunctionView,
    left: ast.expr,
    right: ast.expr,
    table: dict[str, tuple[str, ...]],
    pattern: re.Pattern[str] = _OPERATOR,
) -> Iterator[TextEdit]:
    start, end = view.span(left)[1], view.span(right)[0]
    found = pattern.search(view.source, start, end)
    if found is None:
        return
    for new in table.get(" ".join(found.group().split()), ()):
        yield TextEdit(found.start(), found.end(), new)
