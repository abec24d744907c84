"""One ranked stream of distinct candidates out of three proposers.

Each candidate's score is a linear estimate of the log-odds that it is the fix, from what the model thinks of its line and
its tokens; the coefficients are fitted on mutants of functions that were not trained on (`python -m engine.train rank`)
and lie beside the weights.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from .operators import FAMILY
from .proposers.base import Proposal, is_candidate
from .question import Question

FEATURES = (
    "place", "extent", "text", "text_per_token", "tokens", "frequency",
    "is_sampled", "is_infilled", "is_enumerated", "in_two_sources",
    "is_insertion", "is_deletion", "num_added",
    *(f"kind_{kind}" for kind in FAMILY),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ranked:
    """A proposal, its score and the sources that found it."""

    proposal: Proposal
    score: float
    sources: frozenset[str]


@dataclass(frozen=True)
class Ranker:
    """Linear coefficients by feature name; unknown names count zero."""

    coefficients: Mapping[str, float]

    @classmethod
    def load(cls, path: Path) -> Ranker:
        """Read `ranking.json`."""
        return cls(json.loads(path.read_text()))

    def score(self, features: Mapping[str, float]) -> float:
        """Estimated log-odds that the candidate is the fix."""
        return sum(self.coefficients.get(name, 0.0) * value for name, value in features.items())


def merge(
    question: Question, proposals: Iterable[Proposal], num_rows: int
) -> list[tuple[Proposal, frozenset[str]]]:
    """Distinct candidates with the features of all sources that found them; some may not parse.

    Args:
        question: what was asked.
        proposals: of all sources, in any order.
        num_rows: how many rows were sampled, for the frequency of sampled ones.
    """
    groups: dict[tuple[str, ...], list[Proposal]] = {}
    for proposal in proposals:
        groups.setdefault(proposal.result(question), []).append(proposal)
    return [
        (_joined(group, num_rows), frozenset(p.source for p in group)) for group in groups.values()
    ]


def rank(
    question: Question, proposals: Iterable[Proposal], num_rows: int, ranker: Ranker, count: int
) -> list[Ranked]:
    """The first `count` of the stream, the most promising first; no-ops and what does not parse left out.

    Ties go by line and text, so that the order is always the same.
    """
    merged = merge(question, proposals, num_rows)
    ranked = [Ranked(p, ranker.score(features(p, sources)), sources) for p, sources in merged]
    ranked.sort(key=lambda r: (-r.score, r.proposal.start, r.proposal.added))
    return list(islice((r for r in ranked if is_candidate(r.proposal, question)), count))


def features(proposal: Proposal, sources: frozenset[str]) -> dict[str, float]:
    """What the ranker looks at."""
    found = {
        "place": max(proposal.place_score, -15.0),
        "extent": max(proposal.extent_score, -15.0),
        "text": max(proposal.text_score, -60.0),
        "text_per_token": max(proposal.text_score, -60.0) / max(1, proposal.num_tokens),
        "tokens": math.log1p(proposal.num_tokens),
        "frequency": math.log1p(64 * proposal.frequency),
        f"is_{proposal.source}": 1.0,
        "in_two_sources": float(len(sources) > 1),
        "is_insertion": float(proposal.replaced == 0),
        "is_deletion": float(not proposal.added),
        "num_added": float(len(proposal.added)),
    }
    if proposal.kind:
        found[f"kind_{proposal.kind}"] = 1.0
    return found


def _joined(group: list[Proposal], num_rows: int) -> Proposal:
    """One proposal for equal ones: scored edits know most, then infilled, then sampled ones."""
    order = {"enumerated": 0, "infilled": 1, "sampled": 2}
    best = min(group, key=lambda p: (order[p.source], -p.text_score))
    sampled = Counter(p.source for p in group)["sampled"]
    return replace(best, frequency=sampled / max(1, num_rows))
