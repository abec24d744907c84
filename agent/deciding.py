"""The decision: the selector's choice is judged once more from nothing; if it falls, the next one.

What is decided is put into one word, the outcome, and one sentence, the reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from agent import telemetry
from agent.judging import Judges
from agent.levels import ONLY_OBSERVED, is_proof
from agent.types import Candidate, Listener, Outcome, Selection, Selector
from verifiers import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What was chosen, and the candidates with the verdicts of their confirmation."""

    selection: Selection
    candidates: tuple[Candidate, ...]


async def decide(
    candidates: Sequence[Candidate],
    *,
    selector: Selector,
    judges: Judges,
    max_confirmations: int,
    hear: Listener,
) -> Decision:
    """The best candidate that stands when it is judged from nothing, or none.

    Raises:
        SandboxError: no sandbox could be set up.
    """
    known = tuple(candidates)
    for _ in range(max_confirmations):
        selection = _selected(known, selector)
        finalist = selection.winner
        if finalist is None or finalist.change is None:
            return Decision(selection=selection, candidates=known)
        verdict = await judges.confirm(finalist.change)
        hear("confirm.finished", _confirm_facts(finalist.index, verdict))
        finalist = replace(finalist, verdicts=(*finalist.verdicts, verdict))
        known = tuple(finalist if one.index == finalist.index else one for one in known)
        if is_proof(verdict):
            return Decision(selection=replace(selection, winner=finalist), candidates=known)
        if verdict.passed:
            return Decision(selection=_observed(selection, finalist), candidates=known)
    return Decision(selection=_unconfirmed(known, selector), candidates=known)


def outcome_of(
    selection: Selection, candidates: Sequence[Candidate], *, is_limit_hit: bool
) -> Outcome:
    """The decision in one word."""
    if selection.winner is not None:
        return "winner"
    if is_limit_hit:
        return "budget"
    judged = [one for one in candidates if one.verdicts]
    if judged and all(_has_tampered(one) for one in judged):
        return "tampered"
    return "none"


def _selected(candidates: Sequence[Candidate], selector: Selector) -> Selection:
    with telemetry.span("select") as span:
        selection = selector(candidates)
        telemetry.record_selection(span, selection)
    return selection


def _confirm_facts(index: int, verdict: Verdict) -> Mapping[str, Any]:
    return {
        "index": index,
        "passed": verdict.passed,
        "outcome": verdict.outcome,
        "level": verdict.level,
    }


def _observed(selection: Selection, finalist: Candidate) -> Selection:
    """It passed all that there is, and that is no proof: the best that was found, and no winner."""
    reason = f"not proved: {ONLY_OBSERVED}; the choice: {selection.reason}"
    return replace(selection, winner=None, reason=reason, best_partial=finalist)


def _unconfirmed(candidates: Sequence[Candidate], selector: Selector) -> Selection:
    selection = selector(candidates)
    if selection.winner is None:
        return selection
    reason = (
        "the best candidates passed, and failed when they were judged from nothing: "
        "the tests may depend on what ran before them"
    )
    return Selection(winner=None, reason=reason, best_partial=selection.best_partial)


def _has_tampered(candidate: Candidate) -> bool:
    return candidate.verdicts[-1].outcome == "tampered"
