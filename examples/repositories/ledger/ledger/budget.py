"""What may be spent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from .entries import Entry
from .totals import by_category


@dataclass(frozen=True)
class Budget:
    """Cents that may be spent per category; categories that are not named are free."""

    limits: Mapping[str, int] = field(default_factory=dict)


def overspent(entries: Iterable[Entry], budget: Budget) -> dict[str, int]:
    """Cents above the limit, per category that is over it."""
    over: dict[str, int] = {}
    for category, cents in by_category(entries).items():
        limit = budget.limits.get(category)
        if limit is not None and -cents > limit:
            over[category] = -cents - limit
    return over
