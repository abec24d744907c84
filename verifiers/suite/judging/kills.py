"""Which tests refuse changes: those that did it most often run first, since most changes are wrong in the same few ways."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence


class Kills:
    """Counts, for each test, the changes that it refused."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def add(self, tests: Collection[str]) -> None:
        """One change was refused by these tests."""
        self._counts.update(tests)

    def first(self, most: int) -> tuple[str, ...]:
        """The tests that refused most, at most so many; equal ones by name."""
        ranked = sorted(self._counts, key=lambda test: (-self._counts[test], test))
        return tuple(ranked[:most])

    def ordered(self, tests: Sequence[str]) -> tuple[str, ...]:
        """The same tests, those that refused most first; equal ones stay in order."""
        return tuple(sorted(tests, key=lambda test: -self._counts[test]))
