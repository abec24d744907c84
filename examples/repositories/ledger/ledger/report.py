"""A table for the terminal."""

from __future__ import annotations

from collections.abc import Mapping


def render_table(totals: Mapping[str, int]) -> str:
    """One line per name, amounts aligned to the right."""
    if not totals:
        return "(nothing booked)"
    width = max(len(name) for name in totals)
    amounts = {name: _money(cents) for name, cents in totals.items()}
    room = max(len(amount) for amount in amounts.values())
    return "\n".join(f"{name:<{width}}  {amount:>{room}}" for name, amount in amounts.items())


def _money(cents: int) -> str:
    sign = "-" if cents < 0 else ""
    return f"{sign}{abs(cents) // 100:,}.{abs(cents) % 100:02d}"
