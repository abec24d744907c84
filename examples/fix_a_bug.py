"""Repair a copy of an example repository with the shipped model: the Python API in twenty lines."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import anyio

from agent import Agent, Task
from engine import EmbeddedEngine

REPOSITORY = Path(__file__).parent / "repositories" / "slots"


async def main() -> None:
    engine = await EmbeddedEngine.load()
    with tempfile.TemporaryDirectory() as folder:
        repo = Path(shutil.copytree(REPOSITORY, Path(folder) / REPOSITORY.name))
        run = await Agent(engine).run(Task(repo=repo))
    print(f"{run.outcome}: {run.selection.reason}")
    if run.winner and run.winner.change:
        print(run.winner.change.patch(), end="")


if __name__ == "__main__":
    anyio.run(main)
