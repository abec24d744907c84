"""`python -m tests.benchmarks.real_bugs.honest FOLDER`: every fix of the real bugs, judged as a candidate is judged.

Two honest patches a case: the fix itself, and the fix with its whole file written anew, without comments and layout. A
refused one is a false reject. Printed beside: how many of the tests could be sealed.
"""

from __future__ import annotations

import ast
import json
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Annotated, Any

import anyio
import typer

from verifiers import (
    BaseStateError,
    Change,
    FileChange,
    ProjectTests,
    SuiteLimits,
    Verdict,
    take_snapshot,
)

from .cases import MANIFEST, Case, load_cases
from .history import Repository
from .projects import locate, make_environment
from .trees import build_before, configure


def main(
    folder: Annotated[Path, typer.Argument(help="Folder of `mine`.")],
    mirrors: Annotated[Path | None, typer.Option(help="Folder of git directories.")] = None,
    manifest: Annotated[Path, typer.Option(help="The cases.")] = MANIFEST,
    limit: Annotated[int | None, typer.Option(help="Only the first cases.")] = None,
    seed: Annotated[int, typer.Option(help="Order of the cases.")] = 0,
) -> None:
    """Judge what has no result yet, then print how many were refused."""
    cases = list(load_cases(manifest))
    Random(seed).shuffle(cases)
    results = folder / "honest.jsonl"
    known = (
        [json.loads(line) for line in results.read_text().splitlines()] if results.exists() else []
    )
    for case in cases[:limit]:
        if any(row["id"] == case.id for row in known):
            continue
        repository = locate(mirrors or folder / "mirrors", case.package)
        for row in anyio.run(_judge, case, repository, folder.resolve()):
            known.append(row)
            with results.open("a") as file:
                file.write(json.dumps(row) + "\n")
            typer.echo(f"{row['id']:30} {row['patch']:8} {row['word']:24} {row['seconds']:6.1f} s")
            typer.echo("".join(f"    {finding}\n" for finding in row["findings"]), nl=False)
    judged = [row for row in known if row["word"] != "no base"]
    refused = [row for row in judged if row["word"] != "confirmed"]
    packages = {case.package for case in cases if any(row["id"] == case.id for row in judged)}
    typer.echo(
        f"{len(judged)} honest patches of {len(packages)} projects, {len(refused)} refused,"
        f" {_sealed(judged)}; {len(known) - len(judged)} cases without a base"
    )


async def _judge(case: Case, repository: Repository, folder: Path) -> list[dict[str, Any]]:
    tree = folder / "trees" / f"{case.id}.honest"
    build_before(repository, case.fix, tree)
    configure(tree, case.suite)
    tests = ProjectTests(
        targets=case.targets, python=make_environment(folder), limits=SuiteLimits(seconds=600)
    )
    snapshot = take_snapshot(tree)
    rows: list[dict[str, Any]] = []
    try:
        await tests.prepare(snapshot)
        for patch, source in _honest(repository, case):
            started, path = time.perf_counter(), case.fix.path
            file = FileChange(before=snapshot.read(path), after=source.encode())
            verdict = await _climb(tests, Change(files={path: file}))
            coverage = await tests.seal_coverage()
            facts = {"id": case.id, "patch": patch, "word": _word(verdict), "coverage": coverage}
            findings = [finding.message for finding in verdict.findings[:3]]
            seconds = time.perf_counter() - started
            rows.append({**facts, "findings": findings, "seconds": seconds})
    except (
        BaseStateError
    ) as error:  # no verdict on a patch: the base is not what it was when it was mined
        facts = {"id": case.id, "patch": "-", "word": "no base", "coverage": None, "seconds": 0.0}
        rows.append({**facts, "findings": [str(error)]})
    finally:
        await tests.aclose()
    return rows


def _honest(repository: Repository, case: Case) -> Iterator[tuple[str, str]]:
    fixed = repository.read(case.fix.commit, case.fix.path)
    yield "fix", fixed
    yield "rewrite", ast.unparse(ast.parse(fixed)) + "\n"


async def _climb(tests: ProjectTests, change: Change) -> Verdict:
    observed = await tests.verify(change)
    return await tests.confirm(change) if observed.passed else observed


def _word(verdict: Verdict) -> str:
    return verdict.level if verdict.passed else f"{verdict.outcome} at {verdict.level}"


def _sealed(rows: list[dict[str, Any]]) -> str:
    shares = [row["coverage"] for row in rows if isinstance(row["coverage"], float)]
    return f"{100 * sum(shares) / max(1, len(shares)):.0f} % of the tests sealed on average"


if __name__ == "__main__":
    typer.run(main)
