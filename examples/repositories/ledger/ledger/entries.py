"""One line of the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


class LedgerError(ValueError):
    """Raised when a line cannot be read; the message begins with its number."""


@dataclass(frozen=True)
class Entry:
    """Money that came in (positive) or went out (negative), in cents."""

    day: date
    category: str
    cents: int
    note: str = ""

    @property
    def month(self) -> str:
        """`YYYY-MM`."""
        return self.day.strftime("%Y-%m")
