"""Random enumeration: single edits of suspicious functions in random order.

Functions, edits and tests are those of `winnow fix`; only the order knows nothing.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from agent.localize import Suspect, localize
from engine.listing import read_listing
from engine.operators import proposals
from engine.parsing import parses
from tests.benchmarks.mutants.functions import rewrite
from verifiers import Change, FileChange, ProjectTests, Snapshot, take_snapshot

from .cases import Case


@dataclass(frozen=True, slots=True, kw_only=True)
class Enumerated:
    """What random enumeration came to."""

    patch: str | None
    """The first candidate that passed and was confirmed."""
    num_candidates: int
    """Candidates that were judged."""
    num_possible: int
    """Single edits of all suspicious functions."""
    rank: int | None
    """Place of the fix's function among the suspicious ones, from 1."""


async def enumerate_at_random(
    case: Case, tree: Path, python: Path, *, max_candidates: int, seed: int
) -> Enumerated:
    """Try up to `max_candidates` edits in an order drawn with `seed`; end at the first confirmed one.

    Raises:
        VerifierError: the base cannot be judged with.
    """
    snapshot = take_snapshot(tree)
    tests = ProjectTests(targets=case.targets, python=python)
    try:
        await tests.prepare(snapshot)
        suspects = localize(snapshot, tests.baseline, await tests.trace())
        edits = [(suspect, source) for suspect in suspects for source in _edits(suspect)]
        random.Random(seed).shuffle(edits)
        patch, num_judged = None, 0
        for change in _changes(snapshot, edits):
            if num_judged >= max_candidates or patch is not None:
                break
            num_judged += 1
            if (await tests.verify(change)).passed and (await tests.confirm(change)).passed:
                patch = change.patch()
    finally:
        await tests.aclose()
    return Enumerated(
        patch=patch, num_candidates=num_judged, num_possible=len(edits), rank=_rank(case, suspects)
    )


def _edits(suspect: Suspect) -> list[str]:
    try:
        source = read_listing(suspect.passage.lines).source
    except SyntaxError:
        return []
    found = proposals(source, suspect.passage.names)
    return [mutation.source for mutation in found if parses(mutation.source)]


def _changes(snapshot: Snapshot, edits: Sequence[tuple[Suspect, str]]) -> Iterator[Change]:
    for suspect, listing in edits:
        changed = rewrite("\n".join(suspect.passage.lines), listing)
        if changed is not None:
            before = snapshot.read(suspect.path)
            lines = before.decode().split("\n")
            lines[suspect.first_line - 1 : suspect.last_line] = changed.split("\n")
            yield Change({suspect.path: FileChange(before=before, after="\n".join(lines).encode())})


def _rank(case: Case, suspects: Sequence[Suspect]) -> int | None:
    wanted = (case.fix.path, case.fix.function)
    places = [(suspect.path, suspect.qualname) for suspect in suspects]
    return places.index(wanted) + 1 if wanted in places else None
