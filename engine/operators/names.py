"""One name for another: variables, attributes, called functions, swapped arguments."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator

from .base import FunctionView, TextEdit

_SIBLINGS = (
    ("min", "max"), ("any", "all"), ("append", "extend", "add", "insert"), ("startswith", "endswith"),
    ("strip", "lstrip", "rstrip"), ("upper", "lower"), ("find", "rfind", "index"), ("split", "rsplit", "splitlines"),
    ("ceil", "floor", "round", "int"), ("keys", "values", "items"), ("sorted", "reversed", "list"), ("pop", "get"),
    ("partition", "rpartition"), ("encode", "decode"), ("add", "update"), ("add", "discard", "remove"),
    ("list", "tuple", "set"),
    ("isinstance", "issubclass"), ("str", "repr"), ("hasattr", "getattr"), ("setdefault", "get"),
    ("match", "search", "fullmatch"),
    ("dumps", "dump"), ("loads", "load"), ("appendleft", "append"), ("popleft", "pop"), ("union", "intersection", "difference"),
    ("isdigit", "isalpha", "isalnum", "isspace"), ("ValueError", "TypeError", "KeyError", "IndexError", "AttributeError"),
)  # fmt: skip


def variables(view: FunctionView) -> Iterator[TextEdit]:
    """A local name where another one was meant."""
    others = view.local_names[:14]
    called = {id(n.func) for n in view.nodes if isinstance(n, ast.Call)}
    for node in view.nodes:
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            if node.id in view.local_names and id(node) not in called:
                yield from (view.replace(node, name) for name in others if name != node.id)


def attributes(view: FunctionView) -> Iterator[TextEdit]:
    """`a.x` for `a.y`, both seen in the function or around it."""
    called = {id(n.func) for n in view.nodes if isinstance(n, ast.Call)}
    for node in view.nodes:
        if isinstance(node, ast.Attribute) and id(node) not in called:
            for name in view.attributes[:10]:
                if name != node.attr:
                    yield _rename_attribute(view, node, name)


def functions(view: FunctionView) -> Iterator[TextEdit]:
    """`min` for `max`, `lstrip` for `rstrip`: a sibling of the called function."""
    for node in view.nodes:
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name):
                yield from (view.replace(node.func, name) for name in _siblings(node.func.id))
            elif isinstance(node.func, ast.Attribute):
                for name in _siblings(node.func.attr):
                    yield _rename_attribute(view, node.func, name)
        elif isinstance(node, ast.ExceptHandler) and isinstance(node.type, ast.Name):
            yield from (view.replace(node.type, name) for name in _siblings(node.type.id))


def arguments(view: FunctionView) -> Iterator[TextEdit]:
    """Two neighbouring arguments or operands swapped."""
    for node in view.nodes:
        if isinstance(node, ast.Call):
            yield from _swapped(view, node.args)
        elif isinstance(node, ast.BinOp) and isinstance(
            node.op, ast.Sub | ast.Div | ast.Mod | ast.FloorDiv
        ):
            yield from _swapped(view, [node.left, node.right])
        elif isinstance(node, ast.Compare) and len(node.comparators) == 1:
            yield from _swapped(view, [node.left, node.comparators[0]])
        elif isinstance(node, ast.Tuple) and isinstance(node.ctx, ast.Load):
            yield from _swapped(view, node.elts)


def _swapped(view: FunctionView, values: list[ast.expr]) -> Iterator[TextEdit]:
    for left, right in itertools.pairwise(values):
        (start, left_end), (right_start, end) = view.span(left), view.span(right)
        if view.text(left) != view.text(right):
            middle = view.source[left_end:right_start]
            yield TextEdit(start, end, view.text(right) + middle + view.text(left))


def _rename_attribute(view: FunctionView, node: ast.Attribute, name: str) -> TextEdit:
    end = view.span(node)[1]
    return TextEdit(end - len(node.attr), end, name)


def _siblings(name: str) -> list[str]:
    groups = [group for group in _SIBLINGS if name in group]
    return list(dict.fromkeys(other for group in groups for other in group if other != name))
