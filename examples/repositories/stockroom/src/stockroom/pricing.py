"""Prices in cents, with a discount for many pieces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .orders import Order, OrderError


@dataclass(frozen=True)
class PriceList:
    """Cents per piece, and the percentage that is taken off from `discount_from` pieces on."""

    cents: Mapping[str, int]
    discount_from: int = 10
    discount_percent: int = 5


def total(order: Order, prices: PriceList) -> int:
    """Cents for the whole order, rounded down."""
    unknown = sorted(set(order.lines) - set(prices.cents))
    if unknown:
        raise OrderError(f"no price for {unknown[0]}")
    full = sum(prices.cents[article] * quantity for article, quantity in order.lines.items())
    if order.pieces < prices.discount_from:
        return full
    return full * (100 - prices.discount_percent) // 100
