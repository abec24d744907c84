"""What a customer asked for, and how far it got."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum


class OrderError(Exception):
    """Raised when an order cannot take the step that was asked for."""


class Status(Enum):
    """How far an order got."""

    WAITING = "waiting"
    RESERVED = "reserved"
    SHIPPED = "shipped"
    CANCELLED = "cancelled"


@dataclass
class Order:
    """Quantities per article. Goods of a reserved order are no longer free in the stock."""

    number: int
    customer: str
    lines: Mapping[str, int]
    status: Status = Status.WAITING

    def __post_init__(self) -> None:
        if not self.lines:
            raise OrderError("an order needs at least one line")
        if any(quantity < 1 for quantity in self.lines.values()):
            raise OrderError("quantities start at one")

    @property
    def pieces(self) -> int:
        """Pieces of all articles together."""
        return sum(self.lines.values())
