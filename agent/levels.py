"""How far up the ladder a change came: observed, sealed, confirmed, held out. Only the upper half is a proof."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from verifiers import Level, Verdict

PROVED: frozenset[Level] = frozenset({"confirmed", "held_out"})
"""Levels at which a change may win."""
ONLY_OBSERVED = (
    "the tests pass, also when judged from nothing, but this way of testing shows no more than `observed`: exit code and "
    "report of a command are made by the code that is judged"
)
_BEFORE: Mapping[Level, Level] = {
    "held_out": "confirmed",
    "confirmed": "sealed",
    "sealed": "observed",
}


def is_proof(verdict: Verdict) -> bool:
    """True for a pass that makes a winner."""
    return verdict.passed and verdict.level in PROVED


def level_reached(verdicts: Sequence[Verdict]) -> Level:
    """The level of the last verdict where it is a pass; else the one before it."""
    if not verdicts:
        return "none"
    last = verdicts[-1]
    return last.level if last.passed else _BEFORE.get(last.level, "none")
