"""How many pieces of each article are free to be sold."""

from __future__ import annotations

from collections.abc import Mapping


class StockError(Exception):
    """Raised when pieces are taken that are not there."""


class Stock:
    """Free pieces per article. Articles that were never seen count zero."""

    def __init__(self, pieces: Mapping[str, int] | None = None) -> None:
        self._pieces = dict(pieces or {})

    def free(self, article: str) -> int:
        """Pieces of an article that may be sold."""
        return self._pieces.get(article, 0)

    def covers(self, lines: Mapping[str, int]) -> bool:
        """True when every line could be taken at once."""
        return all(self.free(article) >= quantity for article, quantity in lines.items())

    def take(self, lines: Mapping[str, int]) -> None:
        """Take all lines or none."""
        if not self.covers(lines):
            short = sorted(a for a, quantity in lines.items() if self.free(a) < quantity)
            raise StockError(f"not enough {', '.join(short)}")
        for article, quantity in lines.items():
            self._pieces[article] -= quantity

    def put(self, lines: Mapping[str, int]) -> None:
        """Add pieces, of new articles too."""
        for article, quantity in lines.items():
            self._pieces[article] = self.free(article) + quantity
