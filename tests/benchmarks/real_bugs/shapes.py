"""The shape of a fix: what kind of edit leads from the broken function to the right one."""

from __future__ import annotations

import io
import textwrap
import tokenize
from collections.abc import Iterator, Sequence

from engine.listing import read_listing
from engine.regions import find_fix

KINDS = ("one token", "condition changed", "condition added", "call added", "lines added", "other")

_HEADS = ("if ", "elif ", "while ", "assert ")
_BRANCHES = {"if", "elif", "else", "and", "or", "try", "except"}
_LAYOUT = {
    tokenize.NEWLINE,
    tokenize.NL,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.COMMENT,
    tokenize.ENDMARKER,
}


def classify(before: str, after: str) -> str:
    """One of `KINDS`.

    Args:
        before: the broken function, with the indentation of its file.
        after: the right one.
    """
    old_lines, new_lines = (list(read_listing(text.splitlines()).lines) for text in (before, after))
    fix = find_fix(old_lines, new_lines)
    old, new = tokens_of(old_lines[fix.start : fix.start + fix.replaced]), tokens_of(fix.added)
    if not old:
        return "condition added" if _BRANCHES & set(new) else "lines added"
    if _differ_in_one(old, new):
        return "one token"
    if _is_condition(old_lines[fix.start], fix.added, fix.replaced):
        return "condition changed"
    if sum(token in _BRANCHES for token in new) > sum(token in _BRANCHES for token in old):
        return "condition added"
    if _is_subsequence(old, new):
        return "call added" if "(" in _surplus(old, new) else "other"
    return "other"


def tokens_of(lines: Sequence[str]) -> list[str]:
    """The tokens of some lines of a function, without layout; as far as they can be read."""
    return list(_read_tokens(textwrap.dedent("\n".join(lines)) + "\n"))


def _read_tokens(text: str) -> Iterator[str]:
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type not in _LAYOUT:
                yield token.string
    except (tokenize.TokenError, IndentationError):
        return


def _differ_in_one(old: Sequence[str], new: Sequence[str]) -> bool:
    fix = find_fix(old, new)
    return fix.replaced <= 1 and len(fix.added) <= 1


def _is_condition(old_line: str, added: Sequence[str], num_replaced: int) -> bool:
    is_one_for_one = num_replaced == 1 and bool(added)
    return (
        is_one_for_one
        and old_line.lstrip().startswith(_HEADS)
        and added[0].lstrip().startswith(_HEADS)
    )


def _is_subsequence(short: Sequence[str], long: Sequence[str]) -> bool:
    rest = iter(long)
    return all(token in rest for token in short)


def _surplus(short: Sequence[str], long: Sequence[str]) -> list[str]:
    left = list(long)
    for token in short:
        left.remove(token)
    return left
