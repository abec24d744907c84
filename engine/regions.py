"""The smallest region in which two versions of a listing, or of a line's tokens, differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fix:
    """Lines `[start, start + replaced)` of the broken listing become `added`."""

    start: int
    replaced: int
    added: tuple[str, ...]


def find_fix(broken: Sequence[str], right: Sequence[str]) -> Fix:
    """The one smallest region of lines: common lines are cut from the top, then from the bottom."""
    top, bottom = _common_ends(broken, right)
    return Fix(top, len(broken) - top - bottom, tuple(right[top : len(right) - bottom]))


def changed_span(old: Sequence[int], new: Sequence[int]) -> tuple[int, int]:
    """First and last place of `new` between the common prefix and the common suffix."""
    top, bottom = _common_ends(old, new)
    return top, len(new) - bottom


def _common_ends(old: Sequence[object], new: Sequence[object]) -> tuple[int, int]:
    shorter, top, bottom = min(len(old), len(new)), 0, 0
    while top < shorter and old[top] == new[top]:
        top += 1
    while bottom < shorter - top and old[-1 - bottom] == new[-1 - bottom]:
        bottom += 1
    return top, bottom
