"""Broken functions to fit the ranking on, and their candidates, worked out in parallel."""

from __future__ import annotations

import random
import warnings
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch

from engine.loading import LoadedModel
from engine.operators import mutations
from engine.ranking import Ranker
from engine.tokens import CodeTokenizer

from .ranking_fit import Case, collect_case
from .releases import ReleaseEdit
from .trainer import load_network

_MOST_LINES = 60


@dataclass(frozen=True, slots=True)
class Broken:
    """A function with a mistake, and without it."""

    kind: str
    before: str
    after: str


def held_out_mutants(sources: Sequence[str], count: int) -> list[Broken]:
    """One mutant of each of `count` sources; kinds as in training."""
    rng = random.Random(1)
    found: list[Broken] = []
    warnings.simplefilter("ignore")
    for source in sources:
        if len(found) == count:
            break
        try:
            made = mutations(source, rng, 1)
        except (SyntaxError, ValueError, RecursionError):
            continue
        found += [
            Broken(m.kind, m.source, source) for m in made if source.count("\n") < _MOST_LINES
        ]
    return found


def held_out_edits(edits: Sequence[ReleaseEdit], count: int) -> list[Broken]:
    """Real edits in random order."""
    shuffled = random.Random(2).sample(list(edits), len(edits))
    short = [e for e in shuffled if e.before.count("\n") < _MOST_LINES]
    return [Broken("release", e.before, e.after) for e in short[:count]]


def collect_cases(
    checkpoint: Path, tokenizer: Path, broken: Sequence[Broken], workers: int
) -> list[Case]:
    """Candidates of every function, in order; those that cannot be asked are left out."""
    jobs = [(checkpoint, tokenizer, one, seed) for seed, one in enumerate(broken)]
    if workers == 1:
        return [case for job in jobs if (case := _collect(job)) is not None]
    with ProcessPoolExecutor(workers) as pool:
        return [case for case in pool.map(_collect, jobs, chunksize=4) if case is not None]


def _collect(job: tuple[Path, Path, Broken, int]) -> Case | None:
    checkpoint, tokenizer, broken, seed = job
    torch.set_num_threads(1)
    model = _model(checkpoint, tokenizer)
    with torch.no_grad():
        return collect_case(model, broken.before, broken.after, broken.kind, seed)


@cache
def _model(checkpoint: Path, tokenizer: Path) -> LoadedModel:
    network = load_network(checkpoint).requires_grad_(requires_grad=False)
    return LoadedModel(network, CodeTokenizer.load(tokenizer), Ranker({}), {})
