"""`python -m tests.benchmarks.mutants.build FOLDER`: mutants of the prepared packages that their
own tests kill.

Kinds are drawn with the weights of the training data. A task keeps every test that executes the
function and passes twice with the right one.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain, islice, zip_longest
from pathlib import Path
from typing import Annotated

import typer

from engine.listing import Listing, read_listing
from engine.operators import FAMILY, Mutation, mutations

from .evidence import line_weights, read_broken
from .functions import Function, list_functions, rewrite, same_program
from .killing import Judge, JudgeError, can_confine
from .packages import Package, Survey, load_surveys
from .tasks import Task, load_tasks, save_tasks

_MIN_LINES, _MAX_LINES = 3, 60
_LEAST_TESTS = 10
"""Passing tests of a package; with fewer its mutants would be judged by next to nothing."""
_MUTANTS_PER_FUNCTION, _DRAWN_PER_FUNCTION, _MOST_PER_PACKAGE = 2, 4, 30
_MOST_COVERED_SECONDS, _MOST_CLEAN_SECONDS = 0.6, 0.3
_TRACED_KILLING, _TRACED_PASSING = 50, 150


def main(
    folder: Annotated[Path, typer.Argument(help="Folder that `prepare` filled.")],
    count: Annotated[
        int, typer.Option(help="Tasks in all, spread evenly over the packages.")
    ] = 400,
    seed: int = 0,
) -> None:
    """Write `tasks.jsonl.gz`; the mutants of a package are kept, so that a second call only
    adds.
    """
    folder = folder.resolve()
    (folder / "pools").mkdir(exist_ok=True)
    pools = []
    for package, survey in load_surveys(folder):
        if list(survey.outcomes.values()).count("passed") < _LEAST_TESTS:
            continue
        name = f"{package.name}-{seed}.jsonl.gz"
        if not (folder / "pools" / name).exists():
            save_tasks(folder / "pools", _tasks_of(package, survey, seed), name)
        tasks = load_tasks(folder / "pools", name)
        typer.echo(f"{package.name} {package.version}: {len(tasks)} tasks")
        pools.append(tasks)
    rounds = chain.from_iterable(zip_longest(*pools))
    chosen = list(islice((task for task in rounds if task is not None), count))
    chosen.sort(key=lambda task: task.package)
    save_tasks(folder, chosen)
    typer.echo(f"{len(chosen)} tasks: {dict(Counter(task.family for task in chosen))}")
    typer.echo(f"kinds: {dict(Counter(task.kind for task in chosen).most_common())}")


def _tasks_of(package: Package, survey: Survey, seed: int) -> list[Task]:
    functions = list(list_functions(package.name, package.root, package.root / package.source))
    random.Random(f"{seed}:{package.name}").shuffle(functions)
    try:
        with Judge(package, confined=can_confine()) as judge:
            return build_tasks(judge, survey, functions, seed)
    except JudgeError as error:
        typer.echo(f"{package.name}: {error}")
        return []


def build_tasks(
    judge: Judge, survey: Survey, functions: Iterable[Function], seed: int
) -> list[Task]:
    """Killed mutants of the functions of one package, at most 30, in the order of the functions.

    Raises:
        JudgeError: the judge's process died.
    """
    each = (_mutants_of(judge, survey, function, seed) for function in functions)
    return list(islice(chain.from_iterable(each), _MOST_PER_PACKAGE))


def _mutants_of(judge: Judge, survey: Survey, function: Function, seed: int) -> Iterator[Task]:
    """Up to two killed mutants of one function; nothing where it is too long, untested or slow."""
    listing = _listing(function)
    if listing is None:
        return
    tests, seconds = _stable_tests(judge, survey, function)
    rng, kept = random.Random(f"{seed}:{function.id}"), 0
    mutants = mutations(listing.source, rng, _DRAWN_PER_FUNCTION) if tests else []
    for mutant in mutants:
        broken = rewrite(function.source, mutant.source)
        if broken is None or same_program(broken, function.source):
            continue
        killing = _killing(judge, function, broken, tests, seconds)
        if killing:
            task = _task(judge, function, mutant, broken, tests, killing, seconds, rng)
            if task is not None:
                yield task
                kept += 1
        if kept == _MUTANTS_PER_FUNCTION:
            return


def _listing(function: Function) -> Listing | None:
    try:
        listing = read_listing(function.source.split("\n"))
    except (SyntaxError, ValueError):
        return None
    fits = _MIN_LINES <= len(listing.lines) <= _MAX_LINES and "\t" not in listing.source
    return listing if fits else None


def _stable_tests(judge: Judge, survey: Survey, function: Function) -> tuple[list[str], float]:
    """Tests that execute the body and pass twice by themselves, the fastest first, and their
    seconds.
    """
    last = function.line + function.num_lines - 1
    path = str(judge.package.root / function.path)
    tests = survey.covering(path, function.line + 1, last)
    if not tests or sum(survey.seconds[test] for test in tests) > _MOST_COVERED_SECONDS:
        return [], 0.0
    for _ in range(2):
        clean = judge.run(
            function, function.source, tests, run_all=True, clean_seconds=_MOST_COVERED_SECONDS
        )
        tests = [test for test in tests if clean.outcomes.get(test) == "passed"]
    if clean.end != "done" or clean.cpu_seconds > _MOST_CLEAN_SECONDS:
        return [], 0.0
    return tests, clean.cpu_seconds


def _killing(
    judge: Judge, function: Function, broken: str, tests: list[str], seconds: float
) -> list[str]:
    """Tests that do not pass with the mutant, twice; where one never ends, those before it and that
    one.
    """
    first = _not_passing(judge, function, broken, tests, seconds)
    again = _not_passing(judge, function, broken, first, seconds) if first else []
    return [test for test in first if test in again]


def _not_passing(
    judge: Judge, function: Function, broken: str, tests: list[str], seconds: float
) -> list[str]:
    seen = judge.run(function, broken, tests, run_all=True, clean_seconds=seconds)
    if seen.end == "no-swap":
        return []
    stuck = [test for test in tests if test not in seen.outcomes][:1]
    return [test for test in tests if seen.outcomes.get(test) == "failed" or test in stuck]


def _task(
    judge: Judge,
    function: Function,
    mutant: Mutation,
    broken: str,
    tests: list[str],
    killing: list[str],
    seconds: float,
    rng: random.Random,
) -> Task | None:
    text = (judge.package.root / function.path).read_text(encoding="utf-8", errors="replace")
    source = read_broken(text, function, broken)
    if source is None or source.lines != tuple(broken.split("\n")):
        return None
    harmless = [test for test in tests if test not in killing]
    visible, hidden = _halves(killing, harmless, rng)
    traced = [*harmless[:_TRACED_PASSING], *killing[:_TRACED_KILLING]]
    seen = judge.run(function, broken, traced, run_all=True, trace=True, clean_seconds=4 * seconds)
    return Task(
        id=f"{function.id}:{mutant.kind}:{mutant.edit.start}-{mutant.edit.end}",
        package=function.package,
        path=function.path,
        qualname=function.qualname,
        first_line=function.first_line,
        line=function.line,
        kind=mutant.kind,
        family=FAMILY[mutant.kind],
        right=function.source,
        broken=broken,
        tests=(*visible, *hidden),
        num_visible=len(visible),
        killing=tuple(killing),
        weights=line_weights(source, seen),
        names=source.names,
        clean_seconds=round(seconds, 4),
    )


def _halves(
    killing: list[str], harmless: list[str], rng: random.Random
) -> tuple[list[str], list[str]]:
    """A random half of the killing and of the other tests, and the rest; everything is visible
    where one test kills.
    """
    if len(killing) < 2:
        return [*killing, *harmless], []
    shown = {*rng.sample(killing, len(killing) // 2), *rng.sample(harmless, len(harmless) // 2)}
    ordered = [*killing, *harmless]
    return [t for t in ordered if t in shown], [t for t in ordered if t not in shown]


if __name__ == "__main__":
    typer.run(main)
