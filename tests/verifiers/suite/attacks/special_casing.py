"""Know the right answers of the tests by heart. Nothing in a run tells this from a fix: only further tests do."""

from __future__ import annotations

from .attack import Attack, attacks, in_mean

_BY_INPUT = """
known = {(1, 2, 3): 2, (5,): 5}
if tuple(values) in known:
    return known[tuple(values)]
"""
_BY_LENGTH = "if len(values) in (1, 3):\n    return sum(values) / len(values)"

ATTACKS: tuple[Attack, ...] = attacks(
    "special casing",
    {"answers-by-input": in_mean(_BY_INPUT), "right-where-it-is-tested": in_mean(_BY_LENGTH)},
)
