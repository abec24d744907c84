"""Missing calls, arguments and parts of expressions: `breaks` leaves them out, `repairs` puts likely ones in."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from .base import FunctionView, TextEdit

_WRAPPERS = (
    "str",
    "int",
    "list",
    "len",
    "abs",
    "sorted",
    "set",
    "tuple",
    "dict",
    "float",
    "bool",
    "repr",
    "reversed",
    "iter",
)
_METHODS = (
    "strip()", "lower()", "copy()", "items()", "keys()", "values()", "rstrip()",
    "lstrip()", "split()", "upper()", "decode()", "encode()", "close()",
)  # fmt: skip
_DEFAULTS = ("[]", "{}", "''", "0", "()", "None")


def drop_call(view: FunctionView) -> Iterator[TextEdit]:
    """`f(x)` becomes `x`, `x.strip()` becomes `x`."""
    for node in view.nodes:
        if not isinstance(node, ast.Call) or _is_statement(view, node):
            continue
        if len(node.args) == 1 and not isinstance(node.args[0], ast.Starred | ast.GeneratorExp):
            yield view.replace(node, view.text(node.args[0]))
        if isinstance(node.func, ast.Attribute) and len(node.args) <= 2 and not node.keywords:
            yield view.replace(node, view.text(node.func.value))


def add_call(view: FunctionView) -> Iterator[TextEdit]:
    """`x` becomes `f(x)` or `x.m()` for functions and methods that are near at hand."""
    functions = [*_called_functions(view), *_WRAPPERS]
    methods = [f"{name}()" for name in _called_methods(view)] + list(_METHODS)
    for node in _operands(view):
        text = view.text(node)
        for name in dict.fromkeys(functions):
            yield view.replace(node, f"{name}({text})")
        if isinstance(node, ast.Name | ast.Attribute | ast.Call | ast.Subscript):
            for method in dict.fromkeys(methods):
                yield view.replace(node, f"{text}.{method}")


def drop_argument(view: FunctionView) -> Iterator[TextEdit]:
    """`f(a, b)` becomes `f(a)`, `f(a, key=k)` becomes `f(a)`."""
    for node in view.nodes:
        if isinstance(node, ast.Call):
            parts: list[ast.AST] = [*node.args, *node.keywords]
            yield from _without_each(view, parts, keep_first=len(parts) == 1)


def add_argument(view: FunctionView) -> Iterator[TextEdit]:
    """One more argument: a local name, or a keyword that the function uses elsewhere."""
    keywords = {view.text(n) for n in view.nodes if isinstance(n, ast.keyword) and n.arg}
    values = [*view.local_names[:6], *sorted(keywords), "None", "True", "0"]
    for node in view.nodes:
        if isinstance(node, ast.Call) and len(node.args) <= 3:
            end = view.span(node)[1] - 1
            comma = ", " if node.args or node.keywords else ""
            present = {view.text(a) for a in [*node.args, *node.keywords]}
            for value in values:
                if value not in present and not (node.keywords and "=" not in value):
                    yield TextEdit(end, end, comma + value)


def drop_part(view: FunctionView) -> Iterator[TextEdit]:
    """An expression replaced by a simpler one: one operand, one branch of a ternary, one element."""
    for node in view.nodes:
        if isinstance(node, ast.BinOp):
            yield from (view.replace(node, view.text(part)) for part in (node.left, node.right))
        elif isinstance(node, ast.IfExp):
            yield from (view.replace(node, view.text(part)) for part in (node.body, node.orelse))
        elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
            yield view.replace(node, view.text(node.value))
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
            if isinstance(node.value, ast.Name | ast.Attribute):
                yield view.replace(node, view.text(node.value))
        elif isinstance(node, ast.Tuple | ast.List | ast.Set) and len(node.elts) >= 3:
            yield from _without_each(view, list(node.elts))


def add_part(view: FunctionView) -> Iterator[TextEdit]:
    """`x` becomes `x or []`, `x[0]`, `a + x`: the commonest parts that are forgotten."""
    for node in _operands(view):
        text = view.text(node)
        if isinstance(node, ast.Name | ast.Attribute | ast.Call):
            yield from (view.replace(node, f"{text} or {value}") for value in _DEFAULTS)
            yield from (view.replace(node, f"{text}[{index}]") for index in ("0", "1", "-1", "1:"))
    for returned in view.nodes:
        if isinstance(returned, ast.Return) and returned.value is not None:
            text = view.text(returned.value)
            others = [name for name in view.local_names[:6] if name != text]
            yield from (view.replace(returned.value, f"{text} + {name}") for name in others)
            yield from (view.replace(returned.value, f"{text} - {name}") for name in others)


def _operands(view: FunctionView) -> Iterator[ast.expr]:
    """Expressions that stand as a whole: arguments, right sides, returns, iterables, compared values."""
    for node in view.nodes:
        values: list[ast.expr | None] = []
        if isinstance(node, ast.Call):
            values = [a for a in node.args if not isinstance(a, ast.Starred | ast.GeneratorExp)]
            values += [node.func.value] if isinstance(node.func, ast.Attribute) else []
        elif isinstance(node, ast.Assign | ast.Return | ast.AugAssign | ast.keyword):
            values = [node.value]
        elif isinstance(node, ast.For | ast.comprehension):
            values = [node.iter]
        elif isinstance(node, ast.Compare):
            values = [node.left, *node.comparators]
        elif isinstance(node, ast.Subscript) and not isinstance(node.slice, ast.Slice):
            values = [node.slice]
        for value in values:
            if isinstance(value, ast.Name | ast.Attribute | ast.Call | ast.Subscript | ast.BinOp):
                yield value


def _called_functions(view: FunctionView) -> list[str]:
    called = [view.text(n.func) for n in view.nodes if isinstance(n, ast.Call)]
    near = [name for name in called if name.isidentifier()]
    return list(dict.fromkeys([*near, *view.outer_names]))[:16]


def _called_methods(view: FunctionView) -> list[str]:
    calls = [n.func for n in view.nodes if isinstance(n, ast.Call) and not n.args]
    return list(dict.fromkeys(f.attr for f in calls if isinstance(f, ast.Attribute)))[:8]


def _is_statement(view: FunctionView, node: ast.Call) -> bool:
    return any(isinstance(n, ast.Expr) and n.value is node for n in view.nodes)


def _without_each(
    view: FunctionView, parts: list[ast.AST], *, keep_first: bool = False
) -> Iterator[TextEdit]:
    for index, part in enumerate(parts):
        start, end = view.span(part)
        if len(parts) == 1 and not keep_first:
            yield TextEdit(start, end, "")
        elif index > 0:
            yield TextEdit(view.span(parts[index - 1])[1], end, "")
        elif len(parts) > 1:
            yield TextEdit(start, view.span(parts[1])[0], "")
