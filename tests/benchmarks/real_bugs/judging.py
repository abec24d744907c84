"""What a winner is worth: is it the fix, and do the tests of a later commit find nothing in it?"""

from __future__ import annotations

import ast
import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .cases import Case
from .history import Repository, program
from .suites import SuiteRun, run_suite
from .trees import apply_fix, build_before, configure, find_suite, put_later_tests

_LATER_SECONDS = 300
"""Processor seconds of a later suite."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """What is known of one winner."""

    is_fix: bool
    """The same program as the fix, whatever its layout."""
    passes_later: bool
    """Every test of the later commit that is green with the fix is green with the winner."""
    num_later: int
    """How many tests that are."""

    @property
    def is_right(self) -> bool:
        """True unless something speaks against it."""
        return self.is_fix or self.passes_later


@dataclass(frozen=True, slots=True, kw_only=True)
class Court:
    """Judges the winners of one case.

    Args:
        folder: where work trees and what the fix passes are kept.
        python: the interpreter that the case's tests run under.
    """

    case: Case
    repository: Repository
    folder: Path
    python: Path

    def judge(self, patch: str) -> Worth:
        """The worth of a winner, given as a unified diff against the tree before the fix."""
        fix, wanted = self.case.fix, self._green_with_fix()
        tree = self._later_tree(lambda place: apply_patch(place, patch))
        is_fix = _touches_only(patch, fix.path) and _same_module(
            (tree / fix.path).read_text(encoding="utf-8"),
            self.repository.read(fix.commit, fix.path),
        )
        run = None if is_fix else self._run(tree)
        passes = is_fix or (run is not None and bool(wanted) and wanted <= run.passed)
        return Worth(is_fix=is_fix, passes_later=passes, num_later=len(wanted))

    def _green_with_fix(self) -> frozenset[str]:
        """Green in two runs, so that what comes and goes speaks against nobody."""
        known = self.folder / "later" / f"{self.case.id}.json"
        if not known.exists():
            tree = self._later_tree(lambda place: apply_fix(self.repository, self.case.fix, place))
            runs = [self._run(tree), self._run(tree)]
            green = (
                frozenset[str]()
                if None in runs
                else frozenset.intersection(*(run.passed for run in runs if run))
            )
            known.parent.mkdir(parents=True, exist_ok=True)
            known.write_text(json.dumps(sorted(green)))
        return frozenset(json.loads(known.read_text()))

    def _later_tree(self, change: Callable[[Path], None]) -> Path:
        tree = self.folder / "trees" / f"{self.case.id}.later"
        build_before(self.repository, self.case.fix, tree)
        change(tree)
        put_later_tests(self.repository, self.case.later, tree)
        near = [path for path in self.case.suite if (tree / path).exists()]
        configure(tree, find_suite(tree) if self.case.is_whole_suite or not near else near)
        return tree

    def _run(self, tree: Path) -> SuiteRun | None:
        return run_suite(self.python, tree, cpu_seconds=_LATER_SECONDS)


def apply_patch(tree: Path, patch: str) -> None:
    """Apply a unified diff to a tree.

    Raises:
        subprocess.CalledProcessError: it does not apply.
    """
    environment = {**os.environ, "GIT_CEILING_DIRECTORIES": str(tree.resolve().parent)}
    command = ["git", "apply", "--whitespace=nowarn", "-"]
    subprocess.run(
        command, cwd=tree, check=True, capture_output=True, env=environment, input=patch.encode()
    )


def _same_module(left: str, right: str) -> bool:
    """True for the same program, docstrings left out."""
    trees = [ast.unparse(ast.parse(text)) for text in (left, right)]
    return program(trees[0]) == program(trees[1])


def _touches_only(patch: str, path: str) -> bool:
    touched = [
        line.removeprefix("+++ b/") for line in patch.splitlines() if line.startswith("+++ ")
    ]
    return touched == [path]
