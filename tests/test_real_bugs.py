from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks.real_bugs.cases import load_cases, save_cases
from tests.benchmarks.real_bugs.history import (
    Repository,
    find_fixes,
    is_test_path,
    later_commit,
    only_changed_function,
)
from tests.benchmarks.real_bugs.judging import Court
from tests.benchmarks.real_bugs.mine import Rejected, Workshop, touched_tests, try_fix
from tests.benchmarks.real_bugs.shapes import classify
from tests.benchmarks.real_bugs.table import table, wilson
from tests.benchmarks.real_bugs.trees import build_before, configure
from verifiers import Change, FileChange

_SHELF = '''\
class Shelf:
    """Holds things."""

    def __init__(self, things):
        self.things = things

    def last(self):
        """The last thing."""
        return self.things[0]

    def count(self):
        return len(self.things)
'''
_TESTS = """\
from shelf import Shelf


def test_count():
    assert Shelf("ab").count() == 2
"""
_LAST = """

def test_last():
    assert Shelf("ab").last() == "b"
"""
_EMPTY = """

def test_one():
    assert Shelf("a").last() == "a"
"""


class History:
    """A git repository that is written commit by commit."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir()
        self.git("init", "--quiet", "--initial-branch=main")

    @property
    def repository(self) -> Repository:
        return Repository("someone/shelf", self.root / ".git")

    def commit(self, subject: str, day: int, **files: str) -> str:
        for name, text in files.items():
            path = self.root / (f"tests/{name}.py" if name.startswith("test") else f"{name}.py")
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", subject, day=day)
        return self.git("rev-parse", "HEAD").strip()

    def git(self, *arguments: str, day: int = 1) -> str:
        when = f"2024-03-{day:02}T12:00:00+0000"
        people = {
            f"GIT_{who}_{what}": "a@b"
            for who in ("AUTHOR", "COMMITTER")
            for what in ("NAME", "EMAIL")
        }
        dates = {"GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when}
        alone = {
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_CONFIG_SYSTEM": "/dev/null",
            "PATH": "/usr/local/bin:/usr/bin:/bin",
        }
        command = ["git", "-C", str(self.root), *arguments]
        done = subprocess.run(
            command, check=True, capture_output=True, env={**alone, **people, **dates}
        )
        return done.stdout.decode()


@pytest.fixture
def history(tmp_path: Path) -> History:
    """Five commits: the second repairs `Shelf.last`, and no other is a fix that tests can see."""
    made = History(tmp_path / "shelf")
    right, also_empty = (
        _SHELF.replace("[0]", "[-1]"),
        _SHELF.replace("[0]", "[-1] if self.things else None"),
    )
    made.commit("start", 1, shelf=_SHELF, test_shelf=_TESTS)
    made.commit("last() gives the last thing", 2, shelf=right, test_shelf=_TESTS + _LAST)
    made.commit("no test beside it", 3, shelf=also_empty)
    made.commit("feature: labels", 4, shelf=right, test_shelf=_TESTS + _LAST + _EMPTY)
    both = right.replace("return len(", "return 0 + len(").replace("[-1]", "[~0]")
    made.commit("two functions", 5, shelf=both, test_shelf=_TESTS + _LAST)
    return made


@pytest.fixture
def workshop(history: History, tmp_path: Path) -> Workshop:
    tree = tmp_path / "tree"
    return Workshop(
        package="shelf", repository=history.repository, python=Path(sys.executable), tree=tree
    )


def test_history_has_one_fix(history: History) -> None:
    [fix] = find_fixes(history.repository)
    assert (fix.path, fix.function, fix.kind) == ("shelf.py", "Shelf.last", "other")
    assert (fix.num_removed, fix.num_added, fix.test_files) == (1, 1, ("tests/test_shelf.py",))
    assert fix.commit == history.git("rev-parse", "HEAD~3").strip()
    assert touched_tests(history.repository, fix) == ("tests/test_shelf.py::test_last",)
    assert later_commit(history.repository, fix.commit) == history.git("rev-parse", "HEAD").strip()


def test_fix_becomes_a_case(history: History, workshop: Workshop, tmp_path: Path) -> None:
    [fix] = find_fixes(history.repository)
    case = try_fix(workshop, fix)
    assert case.targets == ("tests/test_shelf.py::test_last",)
    assert (case.suite, case.is_whole_suite, case.num_passed) == (("tests",), True, 2)
    save_cases([case], tmp_path / "manifest.jsonl")
    assert list(load_cases(tmp_path / "manifest.jsonl")) == [case]


def test_a_change_that_turns_nothing_green_is_rejected(
    history: History, workshop: Workshop
) -> None:
    text = (history.root / "shelf.py").read_text().replace("0 + len(", "len(")
    tests = (history.root / "tests/test_shelf.py").read_text().replace("== 2", "== 1 + 1")
    history.commit("count is shorter", 6, shelf=text, test_shelf=tests)
    first = next(find_fixes(history.repository))
    with pytest.raises(Rejected, match="no test is red before the fix, 1 are green"):
        try_fix(workshop, first)


def test_court_knows_the_fix_the_right_and_the_wrong(
    history: History, workshop: Workshop, tmp_path: Path
) -> None:
    [fix] = find_fixes(history.repository)
    court = Court(
        case=try_fix(workshop, fix),
        repository=history.repository,
        folder=tmp_path / "court",
        python=workshop.python,
    )
    worths = [court.judge(_patch(new)) for new in ("[-1]", "[len(self.things) - 1]", "[1 - 2 * 2]")]
    assert [worth.is_fix for worth in worths] == [True, False, False]
    assert [worth.is_right for worth in worths] == [True, True, False]
    assert {worth.num_later for worth in worths} == {2}


def test_tree_runs_its_own_suite_without_options_of_plugins(
    history: History, tmp_path: Path
) -> None:
    [fix] = find_fixes(history.repository)
    tree = tmp_path / "tree"
    build_before(history.repository, fix, tree)
    options = '[tool.pytest.ini_options]\naddopts = "--cov --import-mode=importlib"\npython_files = ["check_*.py"]\n'
    (tree / "pyproject.toml").write_text(options)
    configure(tree, ("tests",))
    written = (tree / "pytest.ini").read_text()
    assert "--import-mode=importlib" in written
    assert "check_*.py" in written
    assert "--cov" not in written


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        ("return a < b", "return a <= b", "one token"),
        ("if a:\n        return b", "if a and b:\n        return b", "condition changed"),
        ("return a", "if a is None:\n        return b\n    return a", "condition added"),
        ("return a", "return a if a else b", "condition added"),
        ("return a", "return str(a)", "call added"),
        ("return a", "a = a + b\n    return a", "lines added"),
        ("return a + b", "return [b, a]", "other"),
    ],
)
def test_shapes(before: str, after: str, kind: str) -> None:
    head = "def f(a, b):\n    "
    assert classify(head + before + "\n", head + after + "\n") == kind


def test_only_one_function_may_change() -> None:
    other = _SHELF.replace("[0]", "[-1]")
    assert only_changed_function(_SHELF, other) == "Shelf.last"
    assert only_changed_function(_SHELF, other.replace("len(", "1 * len(")) is None
    assert only_changed_function(_SHELF, "import os\n" + other) is None
    assert only_changed_function(_SHELF, _SHELF.replace("The last", "Some")) is None


@pytest.mark.parametrize(
    ("path", "is_test"),
    [
        ("tests/data/a.txt", True),
        ("pkg/test/test_a.py", True),
        ("conftest.py", True),
        ("pkg/testing.py", False),
        ("pkg/testclient.py", False),
        ("pkg/contest.py", False),
    ],
)
def test_test_paths(path: str, is_test: bool) -> None:
    assert is_test_path(path) is is_test


def test_table_counts_by_kind() -> None:
    found = {"winner": True, "right": True, "is_fix": False}
    nothing = {"winner": False, "right": False, "is_fix": False}
    rows: list[dict[str, Any]] = [
        {"kind": "one token", "winnow": found, "random": nothing},
        {"kind": "other", "winnow": nothing, "random": None},
    ]
    lines = table(rows).splitlines()
    assert lines[-1].split()[:2] == ["total", "2"]
    assert "1/2" in lines[-1]
    assert "0/1" in lines[-1]


def test_wilson() -> None:
    low, high = wilson(8, 10)
    assert (round(low, 3), round(high, 3)) == (0.490, 0.943)
    assert wilson(0, 0) == (0.0, 1.0)


def _patch(new: str) -> str:
    after = _SHELF.replace("[0]", new)
    return Change({"shelf.py": FileChange(before=_SHELF.encode(), after=after.encode())}).patch()
