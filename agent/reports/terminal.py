"""The outcome on a terminal: why it won, the candidates, the winner's diff."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from .words import candidate_line, closest_words, headline, shown_candidates


def print_result(result: Mapping[str, Any], console: Console) -> None:
    """Print a result; wide enough for a diff, plain where the console has no colours."""
    if result["candidates"]:
        console.print(_table(result))
    patch = result["winner"] or result["best_partial"]
    is_won = result["winner"] is not None
    if not is_won and patch is not None:
        console.print(Text(closest_words(patch)))
    if patch is not None:
        _print_patch(patch["patch"], console)
    console.print(Text(headline(result), style="bold green" if is_won else "bold yellow"))
    console.print(Text(result["reason"]), soft_wrap=True)
    for note in result["notes"]:
        if note not in result["reason"]:
            console.print(Text(f"note: {note}"), soft_wrap=True)


def print_proof(proof: Mapping[str, Any], console: Console) -> None:
    """Print what was said of one patch: every verdict with its findings, then the end."""
    for verdict in proof["verdicts"]:
        end = "passed" if verdict["passed"] else verdict["outcome"]
        level = f" ({verdict['level']})" if verdict["level"] != "none" else ""
        console.print(Text(f"{verdict['verifier']}{level}: {end}"), soft_wrap=True)
        for one in verdict["findings"]:
            place = f"{one['path']}:{one['line']}: " if one["path"] else ""
            console.print(Text(f"  {place}{one['message']}"), soft_wrap=True)
        if verdict["command"]:
            console.print(Text(f"  to repeat it: {verdict['command']}"), soft_wrap=True)
    style = "bold green" if proof["confirmed"] else "bold yellow"
    console.print(Text(proof["reason"], style=style), soft_wrap=True)


def print_sandbox(facts: Mapping[str, Any], console: Console) -> None:
    """Print what the sandbox is worth: every part, and what would bring those that are missing."""
    for part in facts["parts"]:
        version = f" {part['value']}" if part["in_force"] and part["value"] is not True else ""
        words = f"{'in force' if part['in_force'] else 'missing ':8}  {part['name']}{version}"
        console.print(Text(words, style="" if part["in_force"] else "bold yellow"), soft_wrap=True)
    # Several parts may come by the same thing.
    for advice in dict.fromkeys(part["advice"] for part in facts["parts"] if part["advice"]):
        names = ", ".join(part["name"] for part in facts["parts"] if part["advice"] == advice)
        console.print(Text(f"for {names}: {advice}"), soft_wrap=True)
    for note in facts["notes"]:
        console.print(Text(f"note: {note}"), soft_wrap=True)
    program = facts["bubblewrap"] or "not installed"
    console.print(Text(f"another way in, by --isolation bubblewrap: {program}"), soft_wrap=True)
    end = "complete" if facts["complete"] else "not complete"
    style = "bold green" if facts["complete"] else "bold yellow"
    console.print(Text(f"the sandbox is {end} on this machine", style=style), soft_wrap=True)


def _table(result: Mapping[str, Any]) -> Table:
    shown, num_more = shown_candidates(result)
    more = f"{num_more} more candidates are in events.jsonl" if num_more else None
    table = Table(box=None, pad_edge=False, expand=True, caption=more, caption_justify="left")
    for name in ("#", "source", "change", "verdict", "complexity"):
        width = 4 if name == "#" else None
        ratio = {"change": 3, "verdict": 2}.get(name)
        table.add_column(name, overflow="ellipsis", no_wrap=True, min_width=width, ratio=ratio)
    for one in shown:
        style = "green" if one["passed"] else ""
        table.add_row(*(Text(cell) for cell in candidate_line(one, result)), style=style)
    return table


def _print_patch(patch: str, console: Console) -> None:
    if console.is_terminal:
        console.print(Syntax(patch.rstrip("\n"), "diff", background_color="default"))
    else:
        console.file.write(patch)
