"""What a process holds does not grow with what it has verified, nor with what it verifies at once."""

from __future__ import annotations

import dataclasses

from tests.benchmarks.endurance import Held, at_once, endure


async def test_many_changes_of_all_kinds_leave_nothing_behind() -> None:
    seen: list[Held] = []
    outcomes = await endure(63, 21, lambda _, held: seen.append(held))
    wanted = {"passed", "failed", "invalid", "crash", "timeout", "flood", "memory"}
    assert wanted <= set(outcomes), outcomes
    _is_no_more(seen[-1], seen[0])


async def test_many_at_once_need_no_more_than_the_workers_do() -> None:
    few, _ = await at_once(4, workers=2)
    many, after = await at_once(64, workers=2)
    _is_no_more(many, few)
    assert after.children <= few.children


def _is_no_more(late: Held, early: Held) -> None:
    """All but memory, which the interpreter takes in steps."""
    for field in dataclasses.fields(Held):
        if field.name not in ("memory_kb", "children_kb"):
            assert getattr(late, field.name) <= getattr(early, field.name) + 2, field.name
