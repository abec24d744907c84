"""`python -m tests.benchmarks.mutants.run FOLDER`: how many held-out mutants the engine repairs.

Beside it stands brute force: the same operator table in random order, without a model. Results are
kept by task; a run that was stopped goes on where it was.
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterable
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any

import anyio
import torch
import typer
from anyio import to_thread
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from engine import Engine
from engine.embedded import EmbeddedEngine
from engine.loading import WEIGHTS

from .asking import AskConfig, Asked, ask_engine
from .exhaust import load_exhausted
from .killing import Judge, can_confine
from .packages import Package, load_surveys
from .report import LEGEND, Row, as_json, seconds, summarize, table
from .results import ResultsFile, judge_task
from .tasks import Task, load_tasks
from .verdicts import Verdicts


def main(
    folder: Annotated[Path, typer.Argument(help="Folder with `tasks.jsonl.gz`.")],
    weights: Annotated[Path, typer.Option(help="Folder of the weights.")] = WEIGHTS,
    limit: Annotated[int, typer.Option(help="Most tasks, spread evenly; 0: all.")] = 0,
    out: Annotated[Path, typer.Option(help="Summary; rows lie beside it.")] = Path("mutants.json"),
    evidence: Annotated[str, typer.Option(help="`coverage` or `none`.")] = "coverage",
    samples: int = 64,
    stream: int = 256,
    seed: int = 0,
    threads: Annotated[int, typer.Option(help="Threads of the model; the judge has its own.")] = 1,
) -> None:
    """Ask, judge, print a table and write a summary."""
    if evidence not in ("coverage", "none"):
        raise typer.BadParameter(f"--evidence is {evidence!r}: use coverage or none")
    torch.set_num_threads(threads)
    config = AskConfig(
        num_samples=samples, stream_length=stream, seed=seed, evidence=evidence == "coverage"
    )
    anyio.run(partial(_benchmark, folder.resolve(), weights, limit, out, config))


async def _benchmark(folder: Path, weights: Path, limit: int, out: Path, config: AskConfig) -> None:
    engine = await EmbeddedEngine.load(weights)
    tasks = load_tasks(folder, limit=limit)
    digests = {task.id: task.digest for task in tasks}
    header = _header(engine, config, digests.values()) | {"packages": _versions(folder, tasks)}
    rows = ResultsFile(out.with_suffix(".rows.jsonl"), header)
    known = {result.id for result in rows.results}
    await _answer(engine, folder, [task for task in tasks if task.id not in known], config, rows)
    exhausted = load_exhausted(folder)
    found = [Row(result=r, exhausted=exhausted.get(digests[r.id])) for r in rows.results]
    _publish(out, header, found, len(tasks))


async def _answer(
    engine: Engine, folder: Path, tasks: list[Task], config: AskConfig, rows: ResultsFile
) -> None:
    """The model asks while the judge judges the task before."""
    packages = {package.name: package for package, _ in load_surveys(folder)}
    for name, group in groupby(tasks, lambda task: task.package):
        send, receive = anyio.create_memory_object_stream[tuple[Task, Asked]](4)
        async with anyio.create_task_group() as both:
            both.start_soon(_ask, engine, list(group), config, send)
            await to_thread.run_sync(partial(_judge, folder, packages[name], receive, rows))
        typer.echo(f"{name}: {len(rows.results)} tasks done", err=True)


async def _ask(
    engine: Engine,
    tasks: list[Task],
    config: AskConfig,
    send: MemoryObjectSendStream[tuple[Task, Asked]],
) -> None:
    async with send:
        for task in tasks:
            await send.send((task, await ask_engine(engine, task, config)))


def _judge(
    folder: Path,
    package: Package,
    receive: MemoryObjectReceiveStream[tuple[Task, Asked]],
    rows: ResultsFile,
) -> None:
    """Runs in a worker thread."""
    with Judge(package, confined=can_confine()) as judge:
        verdicts = Verdicts(folder, package.name, judge)
        while True:
            try:
                task, asked = anyio.from_thread.run(receive.receive)
            except anyio.EndOfStream:
                return
            rows.append(judge_task(task, asked, verdicts))


def _header(engine: EmbeddedEngine, config: AskConfig, digests: Iterable[str]) -> dict[str, Any]:
    return {
        "tasks": hashlib.blake2b("".join(digests).encode(), digest_size=12).hexdigest(),
        "weights": engine.info.manifest,
        "parameters": engine.info.parameters,
        "samples": config.num_samples,
        "stream": config.stream_length,
        "seed": config.seed,
        "evidence": config.evidence,
        "threads": torch.get_num_threads(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "confined": can_confine(),
    }


def _versions(folder: Path, tasks: list[Task]) -> dict[str, str]:
    used = {task.package for task in tasks}
    return {p.name: p.version for p, _ in load_surveys(folder) if p.name in used}


def _publish(out: Path, header: dict[str, Any], rows: list[Row], num_tasks: int) -> None:
    summary, times = summarize(rows, header["seed"]), seconds(rows)
    missing = sum(row.exhausted is None for row in rows)
    faults = sum(bool(row.result.fault) for row in rows)
    typer.echo(json.dumps(header, indent=1))
    typer.echo(
        f"{len(rows)} of {num_tasks} tasks; {faults} could not be asked; "
        f"{missing} without brute force"
    )
    typer.echo(table(summary))
    typer.echo(LEGEND)
    typer.echo("seconds: " + ", ".join(f"{name} {value:.3f}" for name, value in times.items()))
    content = {"run": header, "tasks": len(rows), "seconds": times, "shares": as_json(summary)}
    out.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
