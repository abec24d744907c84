"""summary.md: the outcome for people who read it on a web page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .words import candidate_line, closest_words, headline, shown_candidates


def write_summary(result: Mapping[str, Any]) -> str:
    """The outcome as Markdown."""
    parts = [f"## winnow: {headline(result)}", f"{result['reason']}."]
    if result["winner"]:
        parts.append(_fenced(result["winner"]["patch"]))
    elif result["best_partial"]:
        parts += [closest_words(result["best_partial"]), _fenced(result["best_partial"]["patch"])]
    if result["candidates"]:
        parts.append(_table(result))
    parts += [f"- {note}" for note in result["notes"]]
    return "\n\n".join(parts) + "\n"


def _table(result: Mapping[str, Any]) -> str:
    shown, num_more = shown_candidates(result)
    rows = [_row(candidate_line(one, result)) for one in shown]
    more = [f"\n{num_more} more are in events.jsonl."] if num_more else []
    head = ["| # | source | change | verdict | complexity |", "|---|---|---|---|---|"]
    return "\n".join([*head, *rows, *more])


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def _fenced(patch: str) -> str:
    """A code block that no line of the patch can close."""
    longest = max((len(run) for run in patch.split() if set(run) == {"`"}), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}diff\n{patch.rstrip()}\n{fence}"
