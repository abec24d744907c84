"""`python -m tests.benchmarks.real_bugs.mine MIRRORS FOLDER`: find fixes that turn tests green.

MIRRORS holds git directories (`OWNER+NAME`); FOLDER, outside the repository, gets the environment
and work trees. The manifest grows case by case; FOLDER remembers what was looked at, so that a
second call goes on where the first one ended.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from subprocess import CalledProcessError
from typing import Annotated

import typer

from .cases import MANIFEST, Case, Fix, load_cases, save_cases
from .history import Repository, changed_functions, find_fixes, later_commit
from .projects import PROJECTS, locate, make_environment
from .suites import SuiteRun, run_suite
from .trees import apply_fix, build_before, configure, find_suite, undo_fix

_SUITE_SECONDS = 30
"""Processor seconds; suites that need more are cut down to the tests near the fix."""


class Rejected(Exception):
    """A fix that makes no case; the message says why."""

    def __init__(self, reason: str, *, is_too_slow: bool = False) -> None:
        super().__init__(reason)
        self.is_too_slow = is_too_slow


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one package."""

    cases: int
    rejected: int


@dataclass(frozen=True, slots=True)
class Book:
    """The manifest, and a log of what was looked at."""

    manifest: Path
    log: Path

    def num_cases(self, package: str) -> int:
        """Cases of a package so far."""
        return sum(case.package == package for case in self._cases())

    def has(self, fix: Fix) -> bool:
        """True when the fix was looked at."""
        rows = self.log.read_text().splitlines() if self.log.exists() else []
        return any(json.loads(row)["commit"] == fix.commit for row in rows)

    def add(self, case: Case) -> None:
        """Put a case into the manifest."""
        save_cases([*self._cases(), case], self.manifest)

    def note(self, package: str, fix: Fix, told: str) -> None:
        """Remember a fix and what came of it."""
        with self.log.open("a") as file:
            file.write(json.dumps({"commit": fix.commit, "package": package, "told": told}) + "\n")

    def _cases(self) -> list[Case]:
        return list(load_cases(self.manifest)) if self.manifest.exists() else []


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """Where the work trees of one package are made and run."""

    package: str
    repository: Repository
    python: Path
    tree: Path

    def run(self, tests: Sequence[str] = ()) -> SuiteRun | None:
        """Run the suite, or some tests of it."""
        return run_suite(self.python, self.tree, tests, cpu_seconds=_SUITE_SECONDS)


def main(
    mirrors: Annotated[Path, typer.Argument(help="Folder of git directories, named OWNER+NAME.")],
    folder: Annotated[
        Path, typer.Argument(help="Folder for environments and work trees, outside the repository.")
    ],
    package: Annotated[list[str] | None, typer.Option(help="Only these packages.")] = None,
    per_package: Annotated[int, typer.Option(help="Most cases of one package.")] = 4,
    patience: Annotated[int, typer.Option(help="Fixes of a package that may be rejected.")] = 20,
    manifest: Annotated[Path, typer.Option(help="Where the cases are written.")] = MANIFEST,
    since: Annotated[str, typer.Option(help="Oldest commits that are looked at.")] = "2018-01-01",
) -> None:
    """Mine the packages one after the other."""
    book = Book(manifest, folder / "looked_at.jsonl")
    for name in package or PROJECTS:
        try:
            workshop = _open_workshop(mirrors, folder.resolve(), name)
            fixes = candidates(workshop.repository, folder, since)
            _mine(workshop, book, fixes, Limits(per_package, patience))
        except CalledProcessError as error:
            command = " ".join(map(str, error.cmd))[:120]
            typer.echo(f"{name}: left out: {command} ended with {error.returncode}")


def _open_workshop(mirrors: Path, folder: Path, package: str) -> Workshop:
    repository, python = locate(mirrors, package), make_environment(folder)
    return Workshop(
        package=package, repository=repository, python=python, tree=folder / "mining" / package
    )


def _mine(workshop: Workshop, book: Book, fixes: Sequence[Fix], limits: Limits) -> None:
    rejected = 0
    for fix in fixes:
        if book.num_cases(workshop.package) >= limits.cases or rejected >= limits.rejected:
            return
        if book.has(fix):
            continue
        try:
            case = try_fix(workshop, fix)
            book.add(case)
            told = f"case: {fix.kind}, {len(case.targets)} targets, {case.seconds:.0f} s"
        except Rejected as error:
            rejected, told = rejected + 1, str(error)
        book.note(workshop.package, fix, told)
        typer.echo(f"{workshop.package} {fix.commit[:10]} {fix.path} {fix.function}: {told}")


def candidates(repository: Repository, folder: Path, since: str) -> list[Fix]:
    """The fixes of a history in a fixed random order; remembered in `folder`."""
    cache = folder / "fixes" / f"{repository.name.replace('/', '+')}.jsonl"
    if not cache.exists():
        cache.parent.mkdir(parents=True, exist_ok=True)
        cache.write_text(
            "".join(json.dumps(asdict(fix)) + "\n" for fix in find_fixes(repository, since))
        )
    rows = [json.loads(line) for line in cache.read_text().splitlines()]
    fixes = [Fix(**{**row, "test_files": tuple(row["test_files"])}) for row in rows]
    random.Random(0).shuffle(fixes)
    return fixes


def try_fix(workshop: Workshop, fix: Fix) -> Case:
    """Run the tests before and after the fix.

    Raises:
        Rejected: the fix turns no test green, breaks one, or the tests do not say the same twice.
    """
    touched = touched_tests(workshop.repository, fix)
    build_before(workshop.repository, fix, workshop.tree)
    suite, is_whole = find_suite(workshop.tree), True
    configure(workshop.tree, suite)
    first, _ = _both(workshop, fix, touched)
    try:
        targets, after = _both(workshop, fix)
    except Rejected as rejected:
        if not rejected.is_too_slow:
            raise
        suite, is_whole = _near(workshop.tree, fix, touched), False
        configure(workshop.tree, suite)
        targets, after = _both(workshop, fix)
    if first - targets:
        raise Rejected("the targets do not turn green within the suite")
    return Case(
        id=f"{workshop.package}-{fix.commit[:10]}",
        package=workshop.package,
        fix=fix,
        targets=tuple(sorted(targets)),
        suite=suite,
        is_whole_suite=is_whole,
        later=later_commit(workshop.repository, fix.commit),
        num_passed=len(after.passed),
        seconds=round(after.seconds, 1),
    )


def _both(
    workshop: Workshop, fix: Fix, tests: Sequence[str] = ()
) -> tuple[frozenset[str], SuiteRun]:
    """The tests that the fix turns green, and what the suite says after it."""
    undo_fix(workshop.repository, fix, workshop.tree)
    before = _in_time(workshop.run(tests))
    if not before.failed:
        modules = (
            f", {len(before.uncollected)} modules cannot be collected" if before.uncollected else ""
        )
        raise Rejected(f"no test is red before the fix, {len(before.passed)} are green{modules}")
    apply_fix(workshop.repository, fix, workshop.tree)
    after = _in_time(workshop.run(tests))
    if broken := before.passed - after.passed:
        raise Rejected(f"the fix breaks {len(broken)} tests, such as {min(broken)}")
    targets = before.failed & after.passed
    if not targets:
        raise Rejected(f"none of {len(before.failed)} red tests turns green")
    return targets, after


def _in_time(run: SuiteRun | None) -> SuiteRun:
    if run is None:
        raise Rejected("the tests take too long or break off", is_too_slow=True)
    return run


def touched_tests(repository: Repository, fix: Fix) -> tuple[str, ...]:
    """Ids of the tests that the fix adds or changes; a module where only its other parts changed."""
    found: list[str] = []
    for path in fix.test_files:
        if PurePosixPath(path).name in {"conftest.py", "__init__.py"}:
            continue
        names = changed_functions(
            repository.read_or_nothing(fix.parent, path),
            repository.read_or_nothing(fix.commit, path),
        )
        tests = [
            name.replace(".", "::") for name in names if name.rsplit(".", 1)[-1].startswith("test")
        ]
        found += [f"{path}::{test}" for test in tests] or [path]
    return tuple(found)


def _near(tree: Path, fix: Fix, touched: Sequence[str]) -> tuple[str, ...]:
    """Modules that the fix touched, and those that have the name of the repaired module."""
    stem = PurePosixPath(fix.path).stem.strip("_")
    named = (
        path.relative_to(tree).as_posix() for path in tree.rglob("test_*.py") if stem in path.stem
    )
    return tuple(sorted({*named, *(test.split("::")[0] for test in touched)}))


if __name__ == "__main__":
    typer.run(main)
