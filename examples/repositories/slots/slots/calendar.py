"""What is free in a day, and what fits into it."""

from __future__ import annotations

from collections.abc import Iterable

from .span import Span, merge


def free_time(busy: Iterable[Span], day: Span) -> list[Span]:
    """The parts of `day` in which nothing is booked."""
    free: list[Span] = []
    cursor = day.start
    for span in merge(busy):
        inside = span.clipped(day)
        if inside is None:
            continue
        if inside.start > cursor:
            free.append(Span(cursor, inside.start))
        cursor = inside.end
    if cursor < day.end:
        free.append(Span(cursor, day.end))
    return free


def first_slot(busy: Iterable[Span], day: Span, minutes: int, pause: int = 0) -> Span | None:
    """The earliest free span of `minutes`, with `pause` free minutes before and after it."""
    needed = minutes + 2 * pause
    for gap in free_time(busy, day):
        if gap.minutes > needed:
            start = gap.start + pause
            return Span(start, start + minutes)
    return None


def utilisation(busy: Iterable[Span], day: Span) -> float:
    """Share of `day` that is booked, 0..1."""
    free = sum(gap.minutes for gap in free_time(busy, day))
    return 1 - free / day.minutes
