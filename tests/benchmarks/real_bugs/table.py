"""The results as a table: kinds of fixes, winnow beside random enumeration, with intervals."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from .shapes import KINDS

Row: TypeAlias = Mapping[str, Any]

_COLUMNS = (("winner", "winner"), ("right", "right"), ("the fix", "is_fix"))
_SOLVERS = ("winnow", "random")
_Z = 1.959964


def wilson(successes: int, trials: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share, as numbers of 0..1; all of it where nothing was tried."""
    if not trials:
        return 0.0, 1.0
    share, spread = successes / trials, _Z**2 / trials
    middle = (share + spread / 2) / (1 + spread)
    half = math.sqrt(share * (1 - share) * spread + spread**2 / 4) / (1 + spread)
    return max(0.0, middle - half), min(1.0, middle + half)


def table(rows: Sequence[Row]) -> str:
    """Kinds and the total. `right`: the winner is the fix, or passes all that the fix passes later."""
    return "\n".join(_lines(rows))


def _lines(rows: Sequence[Row]) -> Iterator[str]:
    heads = [f"{solver}: {title}" for solver in _SOLVERS for title, _ in _COLUMNS]
    yield f"{'kind':18} {'cases':>5}  " + "  ".join(f"{head:>18}" for head in heads)
    for kind in (*KINDS, "total"):
        chosen = [row for row in rows if kind in (row["kind"], "total")]
        if chosen:
            cells = [_cell(chosen, solver, key) for solver in _SOLVERS for _, key in _COLUMNS]
            yield f"{kind:18} {len(chosen):5}  " + "  ".join(f"{cell:>18}" for cell in cells)


def _cell(rows: Sequence[Row], solver: str, key: str) -> str:
    tried = [row[solver] for row in rows if row.get(solver) is not None]
    found = sum(bool(one[key]) for one in tried)
    low, high = wilson(found, len(tried))
    return f"{found}/{len(tried)} {low:4.0%}..{high:4.0%}"
