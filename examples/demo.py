"""`python -m examples.demo`: repair three broken repositories and show how each winner was chosen.

Works on copies. Exits with 0 when at least two are repaired and nothing broke, else with 1; with 5
when the model does not load or there is no sandbox.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
from rich.console import Console
from rich.table import Table

from agent import Agent, Run, Task
from agent.edits import apply_change
from agent.reports import print_result, run_result
from engine import Engine, EngineError
from verifiers import BaseStateError, ProjectTests, VerifierError, take_snapshot

if TYPE_CHECKING:
    from collections.abc import Mapping

REPOSITORIES = Path(__file__).parent / "repositories"
NAMES = ("slots", "ledger", "stockroom")
MIN_REPAIRED = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """What became of one repository."""

    name: str
    num_red: int
    """Tests that were red before."""
    run: Run
    broke: str = ""
    """What was wrong afterwards, in words: the patched copy is not green, the original changed."""

    @property
    def is_repaired(self) -> bool:
        return self.run.winner is not None and not self.broke


def main() -> None:
    console = Console()
    try:
        code = anyio.run(_with_shipped_model, console)
    except (EngineError, VerifierError) as error:
        console.print(f"The demo cannot run: {error}", markup=False)
        code = 5
    sys.exit(code)


async def _with_shipped_model(console: Console) -> int:
    from engine import EmbeddedEngine  # Brings torch: late, so that a test needs none.

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
        print_result(run_result(repair.run), console)
        repairs.append(repair)
    console.rule("[bold]summary")
    console.print(_summary(repairs))
    num_repaired = sum(repair.is_repaired for repair in repairs)
    console.print(_closing(num_repaired, repairs))
    return 0 if num_repaired >= MIN_REPAIRED and not any(one.broke for one in repairs) else 1


async def _repaired(name: str, engine: Engine) -> Repair:
    red: list[str] = []

    def hear(kind: str, facts: Mapping[str, Any]) -> None:
        if kind == "baseline.finished":
            red.extend(facts["targets"])

    before = take_snapshot(REPOSITORIES / name).digest
    with tempfile.TemporaryDirectory(prefix="winnow-demo-") as folder:
        copy = Path(shutil.copytree(REPOSITORIES / name, Path(folder) / name))
        run = await Agent(engine, hear=hear).run(Task(repo=copy))
        broke = await _what_broke(run, copy)
    if take_snapshot(REPOSITORIES / name).digest != before:
        broke = "the original changed"
    return Repair(name=name, num_red=len(red), run=run, broke=broke)


async def _what_broke(run: Run, copy: Path) -> str:
    """Apply the winner to the copy and judge the copy as a base tree: nothing must be red."""
    if run.winner is None or run.winner.change is None:
        return ""
    apply_change(run.winner.change, copy)
    tests = ProjectTests()
    try:
        await tests.prepare(take_snapshot(copy))
        return f"red in the patched copy: {', '.join(tests.baseline.targets)}"
    except BaseStateError as error:
        return "" if error.reason == "nothing_red" else str(error)
    finally:
        await tests.aclose()


def _summary(repairs: list[Repair]) -> Table:
    table = Table("repository", "red tests", "outcome", "candidates tried", "seconds")
    for repair in repairs:
        table.add_row(
            repair.name,
            str(repair.num_red),
            _word(repair),
            str(len(repair.run.candidates)),
            f"{repair.run.seconds['total']:.1f}",
        )
    return table


def _word(repair: Repair) -> str:
    if repair.broke:
        return f"broke ({repair.broke})"
    return "repaired" if repair.is_repaired else "not repaired"


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
