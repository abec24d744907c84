"""What reports say, whatever they are written in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MAX_SHOWN = 20

_HEADLINES = {
    "none": "no candidate proved itself",
    "base_wrong": "nothing to work on",
    "budget": "the limit was reached before a decision",
    "failed": "the run failed",
    "tampered": "every candidate tampered with the tests",
    "interrupted": "interrupted",
}


def headline(result: Mapping[str, Any]) -> str:
    """The outcome in a few words."""
    if result["outcome"] != "winner":
        return _HEADLINES[result["outcome"]]
    winner = result["winner"]
    return f"candidate {winner['index']} proved itself: {', '.join(winner['paths'])}"


def shown_candidates(result: Mapping[str, Any]) -> tuple[list[Mapping[str, Any]], int]:
    """The candidates worth a line, those that passed first, and how many are left out."""
    ordered = sorted(result["candidates"], key=lambda one: (not one["passed"], one["index"]))
    return ordered[:MAX_SHOWN], max(0, len(ordered) - MAX_SHOWN)


def candidate_line(
    candidate: Mapping[str, Any], result: Mapping[str, Any]
) -> tuple[str, str, str, str, str]:
    """Index, source, first changed line, verdict and complexity score of a candidate."""
    winner = result["winner"]
    is_winner = winner is not None and winner["index"] == candidate["index"]
    return (
        f"{candidate['index']}{' *' if is_winner else ''}",
        candidate["source"],
        candidate["edit"],
        verdict_words(candidate),
        _complexity(candidate),
    )


def verdict_words(candidate: Mapping[str, Any]) -> str:
    """What became of a candidate."""
    if candidate["fault"] is not None:
        return str(candidate["fault"]).partition("\n")[0]
    if candidate["duplicate_of"] is not None:
        return f"same change as {candidate['duplicate_of']}"
    if not candidate["verdicts"]:
        return "not judged"
    last = candidate["verdicts"][-1]
    if last["passed"]:
        return "confirmed" if last["level"] in ("confirmed", "held_out") else "passed"
    num_failed = len(last["not_passed"])
    return f"{last['outcome']}: {num_failed} not passed" if num_failed else str(last["outcome"])


def closest_words(candidate: Mapping[str, Any]) -> str:
    """What the best candidate that is no winner got to."""
    if candidate["passed"]:
        return (
            f"Candidate {candidate['index']} passed, and no more than that was {candidate['level']}. "
            "It is not proved, and was not applied."
        )
    verdict = next(one for one in reversed(candidate["verdicts"]) if one["num_tests"])
    not_passed = list(verdict["not_passed"])
    num_passed = verdict["num_tests"] - len(not_passed)
    listed = ", ".join(not_passed[:3]) + (", …" if len(not_passed) > 3 else "")
    return (
        f"Closest was candidate {candidate['index']}: {num_passed} of {verdict['num_tests']} tests "
        f"passed, not {listed}. It is not proved, and was not applied."
    )


def _complexity(candidate: Mapping[str, Any]) -> str:
    scores = [one["score"] for one in candidate["verdicts"] if one["verifier"] == "complexity"]
    return f"{scores[0]:.2f}" if scores and scores[0] is not None else ""
