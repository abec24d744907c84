"""`python -m tests.benchmarks.real_bugs.mine MIRRORS FOLDER`: find fixes, see which of them turn tests green, keep those.

MIRRORS holds git directories (`OWNER+NAME`); FOLDER, outside the repository, gets environments and work trees. The
manifest grows case by case; what was looked at is remembered in FOLDER, so that a second call goes on.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from subprocess import CalledProcessError
from typing import Annotated

import typer

from .cases import MANIFEST, Case, Fix, load_cases, save_cases
from .history import Repository, find_fixes, later_commit
from .projects import PROJECTS, locate, make_environment
from .suites import SuiteRun, run_suite
from .trees import apply_fix, build_before, configure, find_suite, put_later_tests

_SUITE_SECONDS = 60.0


class Rejected(Exception):
    """A fix that makes no case; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """Where the work trees of one package are made and run."""

    package: str
    repository: Repository
    python: Path
    tree: Path

    def before(self, fix: Fix, suite: Sequence[str]) -> None:
        """The tree before the fix, with these paths as its suite."""
        build_before(self.repository, fix, self.tree)
        configure(self.tree, suite or find_suite(self.tree))

    def run(self, paths: Sequence[str] = (), hash_seed: int = 0) -> SuiteRun | None:
        """Run the suite, or some paths."""
        return run_suite(self.python, self.tree, paths, seconds=_SUITE_SECONDS, hash_seed=hash_seed)


def main(
    mirrors: Annotated[Path, typer.Argument(help="Folder of git directories, named OWNER+NAME.")],
    folder: Annotated[Path, typer.Argument(help="Folder for environments and work trees, outside the repository.")],
    package: Annotated[list[str] | None, typer.Option(help="Only these packages.")] = None,
    per_package: Annotated[int, typer.Option(help="Most cases of one package.")] = 4,
    manifest: Annotated[Path, typer.Option(help="Where the cases are written.")] = MANIFEST,
    since: Annotated[str, typer.Option(help="Oldest commits that are looked at.")] = "2018-01-01",
) -> None:
    """Mine the packages one after the other."""
    for name in package or PROJECTS:
        try:
            workshop = _open_workshop(mirrors, folder.resolve(), name)
            _mine(workshop, folder, manifest, per_package, since)
        except CalledProcessError as error:
            typer.echo(f"{name}: left out: {' '.join(map(str, error.cmd))[:120]} ended with {error.returncode}")


def _open_workshop(mirrors: Path, folder: Path, package: str) -> Workshop:
    python = make_environment(folder, package)
    return Workshop(
        package=package, repository=locate(mirrors, package), python=python, tree=folder / "mining" / package
    )


def _mine(workshop: Workshop, folder: Path, manifest: Path, per_package: int, since: str) -> None:
    log = folder / "looked_at.jsonl"
    for fix in candidates(workshop.repository, folder, since):
        known = list(load_cases(manifest)) if manifest.exists() else []
        if sum(case.package == workshop.package for case in known) >= per_package:
            return
        if fix.commit in _looked_at(log):
            continue
        try:
            case = try_fix(workshop, fix)
            save_cases([*load_cases(manifest), case] if manifest.exists() else [case], manifest)
            told = f"case: {fix.kind}, {len(case.targets)} targets, {case.seconds:.0f} s"
        except Rejected as rejected:
            told = str(rejected)
        with log.open("a") as file:
            file.write(json.dumps({"commit": fix.commit, "package": workshop.package, "told": told}) + "\n")
        typer.echo(f"{workshop.package} {fix.commit[:10]} {fix.path} {fix.function}: {told}")


def _looked_at(log: Path) -> frozenset[str]:
    rows = log.read_text().splitlines() if log.exists() else []
    return frozenset(json.loads(row)["commit"] for row in rows)


def candidates(repository: Repository, folder: Path, since: str) -> list[Fix]:
    """The fixes of a history in a fixed random order; remembered in `folder`."""
    cache = folder / "fixes" / f"{repository.name.replace('/', '+')}.jsonl"
    if not cache.exists():
        cache.parent.mkdir(parents=True, exist_ok=True)
        cache.write_text("".join(json.dumps(asdict(fix)) + "\n" for fix in find_fixes(repository, since)))
    rows = [json.loads(line) for line in cache.read_text().splitlines()]
    fixes = [Fix(**{**row, "test_files": tuple(row["test_files"])}) for row in rows]
    random.Random(0).shuffle(fixes)
    return fixes


def try_fix(workshop: Workshop, fix: Fix) -> Case:
    """Run the tests before and after the fix.

    Raises:
        Rejected: the fix turns no test green, breaks one, or the tests do not say the same twice.
    """
    touched = _touched_modules(fix)
    before, after = _both(workshop, fix, (), touched, 0)
    if not _turned(before, after):
        raise Rejected(f"no test turns green ({len(before.failed)} red, {len(after.passed)} green)")
    suite: tuple[str, ...] = ()
    try:
        before, after = _both(workshop, fix, (), (), 1)
    except Rejected:
        suite = tuple(sorted({*touched, *_modules_by_name(workshop.tree, fix)}))
        before, after = _both(workshop, fix, suite, (), 1)
    targets = _turned(before, after)
    _check(workshop, fix, before, after, targets)
    workshop.before(fix, suite)
    later = later_commit(workshop.repository, fix.commit)
    return Case(
        id=f"{workshop.package}-{fix.commit[:10]}",
        package=workshop.package,
        fix=fix,
        targets=tuple(sorted(targets)),
        suite=suite or find_suite_of(workshop, fix),
        is_whole_suite=not suite,
        later=later,
        num_passed=len(after.passed),
        num_later_passed=_count_later(workshop, fix, later, suite),
        seconds=round(after.seconds, 1),
    )


def find_suite_of(workshop: Workshop, fix: Fix) -> tuple[str, ...]:
    """The paths of the whole suite before the fix."""
    build_before(workshop.repository, fix, workshop.tree)
    return find_suite(workshop.tree)


def _both(
    workshop: Workshop, fix: Fix, suite: Sequence[str], paths: Sequence[str], hash_seed: int
) -> tuple[SuiteRun, SuiteRun]:
    workshop.before(fix, suite)
    before = workshop.run(paths, hash_seed)
    if before is None:
        raise Rejected("the tests before the fix take too long or break off")
    workshop.before(fix, suite)
    apply_fix(workshop.repository, fix, workshop.tree)
    after = workshop.run(paths, hash_seed)
    if after is None:
        raise Rejected("the tests after the fix take too long or break off")
    return before, after


def _turned(before: SuiteRun, after: SuiteRun) -> frozenset[str]:
    return before.failed & after.passed


def _check(workshop: Workshop, fix: Fix, before: SuiteRun, after: SuiteRun, targets: frozenset[str]) -> None:
    if broken := before.passed - after.passed:
        raise Rejected(f"the fix breaks {len(broken)} tests, such as {min(broken)}")
    files = sorted({test.split("::")[0] for test in targets})
    if not files:
        raise Rejected("no test turns green in the whole suite")
    again = _both(workshop, fix, (), files, 2)
    if _turned(*again) != targets:
        raise Rejected("the targets alone are not the same as within the suite")


def _count_later(workshop: Workshop, fix: Fix, later: str, suite: Sequence[str]) -> int:
    workshop.before(fix, ())
    apply_fix(workshop.repository, fix, workshop.tree)
    put_later_tests(workshop.repository, later, workshop.tree)
    paths = [path for path in suite if (workshop.tree / path).exists()] or find_suite(workshop.tree)
    configure(workshop.tree, paths)
    run = workshop.run()
    return 0 if run is None else len(run.passed)


def _touched_modules(fix: Fix) -> tuple[str, ...]:
    """Touched test modules; none where only their data or their fixtures changed."""
    names = [path for path in fix.test_files if path.endswith(".py")]
    return tuple(path for path in names if PurePosixPath(path).name not in {"conftest.py", "__init__.py"})


def _modules_by_name(tree: Path, fix: Fix) -> Iterator[str]:
    stem = PurePosixPath(fix.path).stem.strip("_")
    for path in tree.rglob("test*.py"):
        if stem in path.stem:
            yield path.relative_to(tree).as_posix()


if __name__ == "__main__":
    typer.run(main)
