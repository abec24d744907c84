"""Complexity: a verifier that never fails working code, but says what it costs to read."""

from __future__ import annotations

import time
from collections.abc import Iterator

import anyio
import anyio.to_thread

from ..base import Change, Finding, Snapshot, Verdict
from ..errors import VerifierError
from .delta import ComplexityDelta, UnitDelta, measure_against
from .index import TreeIndex
from .similarity import Similar

_SURE_LIKENESS = 0.8
_MAX_EXPONENT = 60.0


class Complexity:
    """Scores changes by the complexity that they add to the base tree.

    0.5 leaves complexity as it is; simpler scores higher, more complex lower. A change passes
    unless a Python file that it touches no longer parses. Test files are not measured.
    """

    name = "complexity"

    def __init__(self) -> None:
        self._index: TreeIndex | None = None
        # Measuring is pure Python: a second thread would only wait for the first.
        self._limiter: anyio.CapacityLimiter | None = None

    async def prepare(self, snapshot: Snapshot) -> None:
        """Index the Python files of the base tree, tests left out."""
        self._limiter = anyio.CapacityLimiter(1)
        self._index = await anyio.to_thread.run_sync(TreeIndex.of, snapshot, limiter=self._limiter)

    async def verify(self, change: Change) -> Verdict:
        """Judge one change.

        Raises:
            VerifierError: `prepare` has not been called.
        """
        started = time.perf_counter()
        try:
            delta = await self.measure(change)
        except SyntaxError as error:
            return _unreadable(error, time.perf_counter() - started)
        return Verdict(
            verifier=self.name,
            passed=True,
            score=score(delta),
            outcome="passed",
            findings=tuple(findings(delta)),
            seconds=time.perf_counter() - started,
        )

    async def measure(self, change: Change) -> ComplexityDelta:
        """What one change adds.

        Raises:
            SyntaxError: a changed Python file does not parse.
            VerifierError: `prepare` has not been called.
        """
        if self._index is None:
            raise VerifierError("complexity: prepare() must see the base tree before a change")
        return await anyio.to_thread.run_sync(
            measure_against, change, self._index, limiter=self._limiter
        )


def score(delta: ComplexityDelta) -> float:
    """1 / (1 + 2 ** added): 0.5 where nothing was added, towards 1 where complexity went away."""
    exponent = max(-_MAX_EXPONENT, min(_MAX_EXPONENT, delta.added))
    return float(1 / (1 + 2**exponent))


def findings(delta: ComplexityDelta) -> Iterator[Finding]:
    """What was added or taken away, by unit, then what is there twice."""
    for unit in delta.units:
        yield from _of_unit(unit)
    for similar in delta.similar:
        yield _of_similar(similar)


def _of_unit(unit: UnitDelta) -> Iterator[Finding]:
    path, line = unit.path, unit.after.line if unit.after else 0
    if unit.cognitive:
        before = unit.before.cognitive if unit.before else 0
        yield Finding(
            kind="complexity.cognitive",
            message=f"{unit.site.name}: cognitive complexity {before} -> "
            f"{before + unit.cognitive} ({unit.cognitive:+d})",
            path=path,
            line=line,
        )
    if unit.mass:
        message = f"{unit.site.name}: {unit.mass:+d} syntax nodes"
        yield Finding(kind="complexity.mass", message=message, path=path, line=line)


def _of_similar(similar: Similar) -> Finding:
    place = f"{similar.other_path}:{similar.other_line} ({similar.other_name})"
    if similar.kind == "function":
        message = (
            f"{similar.name} is {similar.likeness:.0%} like {place}, {similar.mass} nodes in "
            "common: call it, or let both call what they share"
        )
    else:
        message = f"this statement stands at {place} too ({similar.mass} nodes, names aside)"
    return Finding(
        kind="complexity.similar",
        message=message,
        path=similar.path,
        line=similar.line,
        severity="warning" if similar.likeness >= _SURE_LIKENESS else "note",
    )


def _unreadable(error: SyntaxError, seconds: float) -> Verdict:
    finding = Finding(
        kind="complexity.syntax",
        message=f"does not parse: {error.msg}",
        path=error.filename or "",
        line=error.lineno or 0,
        severity="error",
    )
    return Verdict(
        verifier=Complexity.name,
        passed=False,
        score=0.0,
        outcome="invalid",
        findings=(finding,),
        seconds=seconds,
    )
