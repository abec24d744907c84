"""Which files belong to the tests, and doctests in source that an honest change may touch."""

from __future__ import annotations

from pathlib import Path

import pytest

from verifiers import ProjectTests, take_snapshot
from verifiers.suite.policy.doctests import changed_examples, examples_of
from verifiers.suite.policy.test_files import (
    files_of_doctests,
    files_of_tests,
    is_doctest,
    plugin_files,
)

from .projects import change_of, write_project

MODULE = '''\
"""Sums.

>>> 1 + 1
2
"""


def mean(values):
    """The mean.

    >>> mean([5])
    5.0
    """
    return sum(values) / (len(values) + 1)


class Sum:
    """No examples."""

    def add(self, value):
        """Add.

        >>> Sum().add(2)
        2
        """
        return value
'''
FIXED = MODULE.replace("(len(values) + 1)", "len(values)")


@pytest.mark.parametrize(
    ("after", "names"),
    [
        (FIXED, []),
        (FIXED.replace("The mean.", "The arithmetic mean."), []),
        (FIXED + '\n\ndef more():\n    """\n    >>> more()\n    """\n', []),
        (FIXED.replace("5.0", "2.5"), ["mean"]),
        (FIXED.replace("mean([5])", "mean([5])  # doctest: +SKIP"), ["mean"]),
        (FIXED.replace(">>> 1 + 1\n2", ""), ["(module)"]),
        (FIXED.replace(">>> Sum().add(2)", ">>> Sum.add = 1\n        >>> Sum().add(2)"), ["Sum.add"]),
        (FIXED.replace("def add", "def plus"), ["Sum.add"]),
        (FIXED + "\nmean.__doc__ = '>>> 1\\n1\\n'\n", ["__doc__"]),
        ("def mean(:\n", ["(module)", "Sum.add", "mean"]),
    ],
)  # fmt: skip
def test_examples_stay_what_they_are(after: str, names: list[str]) -> None:
    assert changed_examples(MODULE.encode(), after.encode()) == names


def test_a_table_of_examples_stays_what_it_is() -> None:
    table = MODULE + "\n__test__ = {'more': '>>> 1'}\n"
    assert set(examples_of(table.encode())) == {"(module)", "mean", "Sum.add", "__test__"}
    assert changed_examples(table.encode(), MODULE.encode()) == ["__test__"]


def test_ids_of_doctests_are_told_from_ids_of_functions(tmp_path: Path) -> None:
    files = {"pkg/sums.py": MODULE, "pkg/__init__.py": "", "check.py": "def check(): pass\n"}
    snapshot = take_snapshot(write_project(tmp_path, files))
    doctests = ["pkg/sums.py::pkg.sums", "pkg/sums.py::pkg.sums.mean", "pkg/sums.py::sums.Sum.add"]
    doctests += ["pkg/__init__.py::pkg"]
    others = ["pkg/sums.py::mean", "check.py::check", "a.py::TestA::a", "check.py::t[check.x]"]
    others += ["notes.txt::notes.txt"]
    assert [is_doctest(snapshot, test) for test in doctests] == [True] * 4
    assert [is_doctest(snapshot, test) for test in others] == [False] * 5
    assert files_of_tests(snapshot, [*doctests, *others], {}) == {
        "pkg/sums.py", "check.py", "a.py", "notes.txt"
    }  # fmt: skip
    assert files_of_doctests(snapshot, doctests) == {"pkg/sums.py", "pkg/__init__.py"}


def test_code_of_tests_that_is_inherited_belongs_to_them(tmp_path: Path) -> None:
    files = {
        "pkg/suite.py": "class Suite:\n    def test_it(self): pass\n",
        "pkg/wraps.py": "def wrap(f):\n    def wrapper(*a): f(*a)\n    return wrapper\n",
    }
    snapshot = take_snapshot(write_project(tmp_path, files))
    tests = ["test_a.py::TestA::test_it[1]", "test_a.py::test_b"]
    places = {tests[0]: ("pkg/suite.py", 2), tests[1]: ("pkg/wraps.py", 2)}
    assert files_of_tests(snapshot, tests, places) == {"test_a.py", "pkg/suite.py"}


def test_plugins_that_the_project_loads_by_name_belong_to_the_tests(tmp_path: Path) -> None:
    files = {
        "pyproject.toml": "[tool.pytest.ini_options]\naddopts = ['-q', '-p', 'fixtures', '-p no:cacheprovider']\n",
        "setup.cfg": "[tool:pytest]\naddopts = -ra -p src_plugin\n",
        "conftest.py": "pytest_plugins = ['pkg.fixtures', 'pytester']\n",
        "sub/conftest.py": "pytest_plugins = 'near'\n",
        "fixtures.py": "", "src/src_plugin/__init__.py": "", "pkg/fixtures.py": "", "sub/near.py": "", "near.py": "",
        "cacheprovider.py": "", "calc.py": "",
    }  # fmt: skip
    snapshot = take_snapshot(write_project(tmp_path, files))
    assert plugin_files(snapshot) == {
        "fixtures.py", "src/src_plugin/__init__.py", "pkg/fixtures.py", "sub/near.py", "near.py"
    }  # fmt: skip


async def test_a_module_with_doctests_can_be_fixed_and_its_examples_cannot(tmp_path: Path) -> None:
    files = {
        "sums.py": MODULE,
        "pyproject.toml": "[tool.pytest.ini_options]\naddopts = '--doctest-modules'\n",
        "test_sums.py": "from sums import mean\n\ndef test_mean():\n    assert mean([1, 3]) == 2\n",
    }
    tests, snapshot = ProjectTests(), take_snapshot(write_project(tmp_path, files))
    await tests.prepare(snapshot)
    try:
        assert set(tests.baseline.targets) == {"sums.py::sums.mean", "test_sums.py::test_mean"}
        fixed = change_of(snapshot, {"sums.py": FIXED})
        assert (await tests.verify(fixed)).passed
        assert (await tests.confirm(fixed)).passed
        eased = change_of(snapshot, {"sums.py": MODULE.replace("5.0", "2.5")})
        verdict = await tests.verify(eased)
        assert (verdict.outcome, verdict.findings[0].kind) == ("tampered", "policy.doctest-changed")
        assert (await tests.trace()).lines["test_sums.py::test_mean"].keys() == {"sums.py"}
    finally:
        await tests.aclose()
