"""result.json: the outcome as JSON values. Every report is made from it: old runs show alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agent.facts import candidate_facts
from agent.levels import level_reached
from agent.types import Candidate, Outcome, Run

SCHEMA_VERSION = 1


def run_result(run: Run) -> dict[str, Any]:
    """The result of a run that came to its end."""
    selection = run.selection
    return {
        **_frame(run.outcome, selection.reason),
        "repo": str(run.task.repo),
        "targets": list(run.task.targets),
        "winner": _with_patch(selection.winner),
        "num_agreeing": selection.num_agreeing,
        "best_partial": _with_patch(selection.best_partial),
        "candidates": [candidate_facts(one) for one in run.candidates],
        "notes": list(run.notes),
        "seconds": {phase: round(value, 4) for phase, value in run.seconds.items()},
        "manifest": run.manifest,
    }


def failure_result(outcome: Outcome, reason: str, repo: str) -> dict[str, Any]:
    """The result of a run that was broken off."""
    return {
        **_frame(outcome, reason),
        "repo": repo,
        "targets": [],
        "winner": None,
        "num_agreeing": 0,
        "best_partial": None,
        "candidates": [],
        "notes": [],
        "seconds": {},
        "manifest": {},
    }


def _frame(outcome: Outcome, reason: str) -> dict[str, Any]:
    return {"schema_version": SCHEMA_VERSION, "outcome": outcome, "reason": reason}


def _with_patch(candidate: Candidate | None) -> Mapping[str, Any] | None:
    if candidate is None or candidate.change is None:
        return None
    level = level_reached(candidate.verdicts)
    return {**candidate_facts(candidate), "level": level, "patch": candidate.change.patch()}
