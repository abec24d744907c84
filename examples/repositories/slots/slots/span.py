"""Half-open spans of minutes since midnight."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Span:
    """From `start` up to, but not including, `end`."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if self.end <= self.start:
            raise ValueError(f"a span must end after it starts: {self.start}..{self.end}")

    @property
    def minutes(self) -> int:
        """How long the span is."""
        return self.end - self.start

    def overlaps(self, other: Span) -> bool:
        """True when the two share at least one minute."""
        return self.start < other.end and other.start < self.end

    def clipped(self, bounds: Span) -> Span | None:
        """The part inside `bounds`, if there is any."""
        if not self.overlaps(bounds):
            return None
        return Span(max(self.start, bounds.start), min(self.end, bounds.end))


def merge(spans: Iterable[Span]) -> list[Span]:
    """The same minutes as few, sorted spans; spans that touch become one."""
    merged: list[Span] = []
    for span in sorted(spans):
        if merged and span.start <= merged[-1].end:
            merged[-1] = Span(merged[-1].start, max(merged[-1].end, span.end))
        else:
            merged.append(span)
    return merged
