"""Sums over entries."""

from __future__ import annotations

from collections.abc import Iterable

from .entries import Entry


def balance(entries: Iterable[Entry]) -> int:
    """Cents that are left."""
    return sum(entry.cents for entry in entries)


def by_category(entries: Iterable[Entry]) -> dict[str, int]:
    """Cents per category, most spent first."""
    totals: dict[str, int] = {}
    for entry in entries:
        totals[entry.category] = totals.get(entry.category, 0) + entry.cents
    return dict(sorted(totals.items(), key=lambda item: (item[1], item[0])))


def by_month(entries: Iterable[Entry]) -> dict[str, int]:
    """Cents per month, earliest first."""
    totals: dict[str, int] = {}
    for entry in sorted(entries, key=lambda entry: entry.day):
        totals[entry.month] = totals.get(entry.month, 0) + entry.cents
    return totals
