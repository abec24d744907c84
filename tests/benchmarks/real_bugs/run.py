"""`python -m tests.benchmarks.real_bugs.run FOLDER`: `winnow fix` on real bugs.

FOLDER is that of `mine`, with the git directories in its `mirrors` (or elsewhere: `--mirrors`).
Results are kept case by case in `FOLDER/results.jsonl`; a second call with the same numbers goes
on where the first one ended.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from subprocess import CompletedProcess
from typing import Annotated, Any

import anyio
import anyio.to_thread
import typer

from verifiers import VerifierError

from .cases import MANIFEST, Case, load_cases
from .enumeration import enumerate_at_random
from .judging import Court
from .projects import locate, make_environment
from .table import table
from .trees import build_before, configure


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What results depend on, besides the code."""

    max_samples: int
    max_seconds: float
    seed: int
    engine: str


def main(
    folder: Annotated[Path, typer.Argument(help="Folder of `mine`.")],
    mirrors: Annotated[Path | None, typer.Option(help="Folder of git directories.")] = None,
    manifest: Annotated[Path, typer.Option(help="The cases.")] = MANIFEST,
    limit: Annotated[int | None, typer.Option(help="Only the first cases.")] = None,
    max_samples: Annotated[int, typer.Option(help="Candidates a case, for either solver.")] = 256,
    max_seconds: Annotated[float, typer.Option(help="Wall seconds of one `winnow fix`.")] = 600.0,
    seed: Annotated[int, typer.Option(help="Seed of either solver.")] = 0,
    engine: Annotated[str, typer.Option(help="The engine that `winnow fix` asks.")] = "embedded",
    random: Annotated[bool, typer.Option(help="Try random enumeration too.")] = True,
    only_random: Annotated[
        bool, typer.Option(help="Random enumeration alone; it is kept.")
    ] = False,
) -> None:
    """Run what has no result yet, then print the table."""
    settings = Settings(max_samples=max_samples, max_seconds=max_seconds, seed=seed, engine=engine)
    bench = Bench(folder.resolve(), mirrors or folder / "mirrors", settings, with_random=random)
    cases = list(load_cases(manifest))
    Random(0).shuffle(cases)  # so that the first few are of many packages
    cases = cases[:limit]
    python = f"Python {platform.python_version()}"
    typer.echo(f"{platform.machine()}, {os.cpu_count()} processors, {python}, {settings}")
    if only_random:
        for case in cases:
            typer.echo(f"{case.id:28} random: {_told(anyio.run(bench.enumerate, case))}")
        return
    for case in cases:
        if not bench.has(case):
            typer.echo(f"{case.id:28} {case.fix.kind:18} {_run(bench, case)}")
    rows = [row for row in bench.rows() if row["id"] in {case.id for case in cases}]
    typer.echo(f"\n{table(rows)}\n{bench.results}")


def _run(bench: Bench, case: Case) -> str:
    try:
        row = anyio.run(bench.run, case)
    except BrokenRunError as error:
        return f"no result, and not counted: {error}"
    return f"{_told(row['winnow'])} | random: {_told(row['random'])}"


class BrokenRunError(Exception):
    """Raised when `winnow fix` ends without a result: that is a fault of ours, and no figure."""


@dataclass(frozen=True, slots=True)
class Bench:
    """Runs cases and keeps their results."""

    folder: Path
    mirrors: Path
    settings: Settings
    with_random: bool

    @property
    def results(self) -> Path:
        """One row of JSON a case."""
        return self.folder / "results.jsonl"

    def rows(self) -> list[Mapping[str, Any]]:
        """The results with these settings."""
        lines = self.results.read_text().splitlines() if self.results.exists() else []
        return [row for row in map(json.loads, lines) if row["settings"] == asdict(self.settings)]

    def has(self, case: Case) -> bool:
        """True when the case has its result."""
        return any(row["id"] == case.id for row in self.rows())

    async def run(self, case: Case) -> Mapping[str, Any]:
        """Both solvers on one case.

        Raises:
            BrokenRunError: `winnow fix` gave no result.
        """
        tree, court = self._build(case)
        row = {
            "id": case.id,
            "kind": case.fix.kind,
            "settings": asdict(self.settings),
            "winnow": await self._winnow(case, tree, court),
            "random": await self.enumerate(case) if self.with_random else None,
        }
        with self.results.open("a") as file:
            file.write(json.dumps(row) + "\n")
        return row

    async def enumerate(self, case: Case) -> Mapping[str, Any]:
        """Random enumeration, from `random.jsonl` where it is there: no engine changes it."""
        kept, key = (
            self.folder / "random.jsonl",
            [case.id, self.settings.max_samples, self.settings.seed],
        )
        for line in kept.read_text().splitlines() if kept.exists() else []:
            if (row := json.loads(line))["key"] == key:
                return dict(row["result"])
        result = await self._random(case, *self._build(case))
        with kept.open("a") as file:
            file.write(json.dumps({"key": key, "result": result}) + "\n")
        return result

    def _build(self, case: Case) -> tuple[Path, Court]:
        """The project before the fix, with the fix's tests, and who judges patches to it."""
        python = make_environment(self.folder)
        repository = locate(self.mirrors, case.package)
        tree = self.folder / "trees" / case.id
        build_before(repository, case.fix, tree)
        configure(tree, case.suite)
        return tree, Court(case=case, repository=repository, folder=self.folder, python=python)

    async def _winnow(self, case: Case, tree: Path, court: Court) -> Mapping[str, Any]:
        out, started = self.folder / "runs" / case.id, time.perf_counter()
        shutil.rmtree(out, ignore_errors=True)
        command = self._command(case, tree, out, court.python)
        done = await anyio.run_process(command, check=False)
        result = _result_of(done)
        winner = result["winner"]
        facts = {
            "exit_code": done.returncode,
            "seconds": round(time.perf_counter() - started, 1),
            "outcome": result["outcome"],
            "reason": result["reason"],
            "num_candidates": len(result["candidates"]),
        }
        return {**facts, **await _worth(court, winner and winner["patch"])}

    def _command(self, case: Case, tree: Path, out: Path, python: Path) -> list[str]:
        chosen = {
            "--repo": tree,
            "--python": python,
            "--max-samples": self.settings.max_samples,
            "--max-seconds": self.settings.max_seconds,
            "--seed": self.settings.seed,
            "--engine": self.settings.engine,
            "--out": out,
            "--output": "json",
        }
        options = [*chosen.items(), *(("--target", target) for target in case.targets)]
        return [sys.executable, "-m", "agent", "fix", *(str(p) for pair in options for p in pair)]

    async def _random(self, case: Case, tree: Path, court: Court) -> Mapping[str, Any]:
        started = time.perf_counter()
        try:
            found = await enumerate_at_random(
                case,
                tree,
                court.python,
                max_candidates=self.settings.max_samples,
                seed=self.settings.seed,
            )
        except VerifierError as error:
            return {**await _worth(court, None), "outcome": f"{type(error).__name__}: {error}"}
        facts = {key: value for key, value in asdict(found).items() if key != "patch"}
        facts["seconds"] = round(time.perf_counter() - started, 1)
        return {**facts, **await _worth(court, found.patch)}


def _result_of(done: CompletedProcess[bytes]) -> dict[str, Any]:
    try:
        result: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        told = done.stderr.decode(errors="replace").strip().rsplit("\n", 1)[-1]
        raise BrokenRunError(
            f"winnow fix ended with {done.returncode} and no result: {told}"
        ) from None
    return result


async def _worth(court: Court, patch: str | None) -> Mapping[str, Any]:
    if patch is None:
        return {"winner": False, "right": False, "is_fix": False}
    judge: Callable[[str], Any] = court.judge
    worth = await anyio.to_thread.run_sync(judge, patch)
    return {"winner": True, "right": worth.is_right, **asdict(worth)}


def _told(row: Mapping[str, Any] | None) -> str:
    if row is None:
        return "not tried"
    if not row["winner"]:
        return f"no winner ({row.get('outcome') or row.get('num_candidates')})"
    return "the fix" if row["is_fix"] else "right" if row["right"] else "wrong"


if __name__ == "__main__":
    typer.run(main)
