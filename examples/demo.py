"""`python -m examples.demo`: repair three broken repositories and show how each winner was chosen.

Works on copies. Exits with 0 when at least two are repaired and nothing broke, else with 1; with 5
when the shipped model cannot be loaded.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
from rich.console import Console
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from agent import Agent, Candidate, Run, Task
from agent.edits import apply_change
from engine import Engine, EngineError
from verifiers import BaseStateError, ProjectTests, take_snapshot

REPOSITORIES = Path(__file__).parent / "repositories"
NAMES = ("slots", "ledger", "stockroom")
MIN_REPAIRED = 2
MAX_SHOWN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """What became of one repository."""

    name: str
    num_red: int
    """Tests that were red before."""
    run: Run
    seconds: float
    broke: str = ""
    """What was wrong afterwards, in words: the patched copy is not green, the original changed."""

    @property
    def is_repaired(self) -> bool:
        return self.run.winner is not None and not self.broke


def main() -> None:
    console = Console()
    try:
        code = anyio.run(_with_shipped_model, console)
    except EngineError as error:
        console.print(f"The shipped model does not load: {error}", markup=False)
        code = 5
    sys.exit(code)


async def _with_shipped_model(console: Console) -> int:
    from engine.embedded import EmbeddedEngine  # Brings torch: late, so that a test needs none.

    started = time.perf_counter()
    engine = await EmbeddedEngine.load()
    millions = engine.info.parameters / 1e6
    loaded = f"{engine.info.model}: {millions:.1f} million parameters"
    console.print(f"{loaded}, loaded in {time.perf_counter() - started:.1f} s", highlight=False)
    return await demonstrate(engine, console)


async def demonstrate(engine: Engine, console: Console) -> int:
    """Repair every repository with `engine`; the exit code."""
    repairs = []
    for name in NAMES:
        console.rule(f"[bold]{name}")
        repair = await _repaired(name, engine)
        _show(repair, console)
        repairs.append(repair)
    console.rule("[bold]summary")
    console.print(_summary(repairs))
    num_repaired = sum(repair.is_repaired for repair in repairs)
    console.print(_closing(num_repaired, repairs))
    return 0 if num_repaired >= MIN_REPAIRED and not any(one.broke for one in repairs) else 1


async def _repaired(name: str, engine: Engine) -> Repair:
    started = time.perf_counter()
    heard: dict[str, Any] = {}
    before = take_snapshot(REPOSITORIES / name).digest
    with tempfile.TemporaryDirectory(prefix="winnow-demo-") as folder:
        copy = Path(shutil.copytree(REPOSITORIES / name, Path(folder) / name))
        run = await Agent(engine, hear=heard.__setitem__).run(Task(repo=copy))
        broke = await _what_broke(run, copy)
    if take_snapshot(REPOSITORIES / name).digest != before:
        broke = "the original changed"
    return Repair(
        name=name,
        num_red=len(heard["baseline.finished"]["targets"]),
        run=run,
        seconds=time.perf_counter() - started,
        broke=broke,
    )


async def _what_broke(run: Run, copy: Path) -> str:
    """Apply the winner to the copy and judge the copy as a base tree: nothing must be red."""
    if run.winner is None or run.winner.change is None:
        return ""
    apply_change(run.winner.change, copy)
    tests = ProjectTests()
    try:
        await tests.prepare(take_snapshot(copy))
    except BaseStateError as error:
        return "" if error.reason == "nothing_red" else str(error)
    finally:
        await tests.aclose()
    return f"red in the patched copy: {', '.join(tests.baseline.targets)}"


def _show(repair: Repair, console: Console) -> None:
    run = repair.run
    console.print(f"{repair.num_red} red tests; {len(run.candidates)} candidates were tried")
    if run.candidates:
        console.print(_candidate_table(run))
    if run.winner and run.winner.change:
        console.print(Syntax(run.winner.change.patch(), "diff", background_color="default"))
    console.print(Text(f"{_word(repair)}: {run.selection.reason}"))


def _candidate_table(run: Run) -> Table:
    table = Table("#", "from", "change", "tests", "complexity", "")
    shown = _most_telling(run)
    for candidate in shown:
        is_winner = run.winner is not None and candidate.index == run.winner.index
        table.add_row(
            str(candidate.index),
            candidate.sample.source,
            Text("\n".join(_changed_lines(candidate))),
            _outcome(candidate),
            _score(candidate, "complexity"),
            "winner" if is_winner else "",
            style="bold green" if is_winner else None,
        )
    if len(shown) < len(run.candidates):
        table.caption = f"{len(run.candidates) - len(shown)} more were out"
    return table


def _most_telling(run: Run) -> list[Candidate]:
    """Those that passed, then the first of the others, in the order in which they were tried."""
    by_worth = sorted(run.candidates, key=lambda one: (not one.passed, one.index))
    return sorted(by_worth[:MAX_SHOWN], key=lambda one: one.index)


def _changed_lines(candidate: Candidate) -> list[str]:
    patch = candidate.change.patch() if candidate.change else ""
    return [
        f"{line[0]} {line[1:].strip()}"
        for line in patch.splitlines()
        if line.startswith(("+", "-")) and not line.startswith(("+++", "---"))
    ]


def _outcome(candidate: Candidate) -> Text:
    if candidate.fault:
        return Text(candidate.fault)
    if candidate.duplicate_of is not None:
        return Text(f"same as {candidate.duplicate_of}")
    if not candidate.verdicts:
        return Text("not run")
    last = candidate.verdicts[-1]
    return Text("confirmed" if last.passed and last.level == "confirmed" else last.outcome)


def _score(candidate: Candidate, verifier: str) -> str:
    scores = [verdict.score for verdict in candidate.verdicts if verdict.verifier == verifier]
    return f"{scores[-1]:.2f}" if scores else ""


def _summary(repairs: list[Repair]) -> Table:
    table = Table("repository", "red tests", "outcome", "candidates tried", "seconds")
    for repair in repairs:
        table.add_row(
            repair.name,
            str(repair.num_red),
            _word(repair),
            str(len(repair.run.candidates)),
            f"{repair.seconds:.1f}",
        )
    return table


def _word(repair: Repair) -> str:
    if repair.broke:
        return f"broke ({repair.broke})"
    return "repaired" if repair.is_repaired else f"not repaired ({repair.run.outcome})"


def _closing(num_repaired: int, repairs: list[Repair]) -> str:
    left = [repair.name for repair in repairs if not repair.is_repaired]
    if not left:
        return f"All {num_repaired} were repaired, each by a change that its own tests confirmed."
    return (
        f"{num_repaired} of {len(repairs)} were repaired. Not repaired: {', '.join(left)}; "
        "winnow hands back no change that has not proved itself."
    )


if __name__ == "__main__":
    main()
