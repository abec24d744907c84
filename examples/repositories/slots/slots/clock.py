"""Times of day as people write them."""

from __future__ import annotations

from .span import Span


def parse_time(text: str) -> int:
    """Minutes since midnight of `HH:MM`; `24:00` is the end of the day."""
    hours, separator, minutes = text.strip().partition(":")
    if not separator or not hours.isdigit() or not minutes.isdigit():
        raise ValueError(f"not a time: {text!r}")
    total = int(hours) * 60 + int(minutes)
    if int(minutes) >= 60 or total > 24 * 60:
        raise ValueError(f"no such time of day: {text!r}")
    return total


def format_time(minutes: int) -> str:
    """`HH:MM` of minutes since midnight."""
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def parse_span(text: str) -> Span:
    """A span from `HH:MM-HH:MM`."""
    start, separator, end = text.partition("-")
    if not separator:
        raise ValueError(f"not a span: {text!r}")
    return Span(parse_time(start), parse_time(end))
