"""Settings that would change what a run says: they are set aside, and the user is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from verifiers.suite.running.arguments import arguments_for

from .project import Project, check, prepared

TESTS = """\
from calc import double, mean

def test_mean():
    assert mean([1, 2, 3]) == 2

def test_other_mean():
    assert mean([5]) == 5

def test_double():
    assert double(4) == 8
"""
RED = frozenset({"test_a.py::test_mean", "test_a.py::test_other_mean"})
BELOW = frozenset(f"tests/{test}" for test in RED)

PROJECTS = {
    "coverage-workers-and-first-failure": Project(
        files={
            "setup.cfg": "[tool:pytest]\naddopts = --cov=calc --cov-fail-under=100 --cov-report=term-missing --timeout=30"
            " -xvs -n 2 --dist loadfile -p no:cacheprovider\n",
            ".coveragerc": "[run]\nbranch = true\n",
            "test_a.py": TESTS + "\ndef test_worker(worker_id):\n    assert worker_id\n",
        },
        targets=RED,
    ),
    "workers-by-name": Project(
        files={"pytest.ini": "[pytest]\naddopts = --tx 2*popen -d\n", "test_a.py": TESTS}, targets=RED
    ),
    "stepwise-and-debugger": Project(
        files={"pytest.ini": "[pytest]\naddopts = --sw --pdb -W error\nasyncio_default_fixture_loop_scope = function\n",
            "test_a.py": TESTS},
        targets=RED,
    ),
    "plugins-turned-off": Project(
        files={
            "tox.ini": "[pytest]\n# --cov -n 2\naddopts = -p no:xdist -p no:pytest_cov -k 'not nothing' --ignore=old\n",
            "old/test_o.py": "assert False\n",
            "test_a.py": TESTS,
        },
        targets=RED,
    ),
    "settings-below": Project(
        files={
            "conftest.py": "",
            "pyproject.toml": "[project]\nname = 'calc'\n",
            "tests/pytest.ini": "[pytest]\naddopts = -m nothing\n",
            "tests/test_a.py": TESTS,
        },
        targets=BELOW,
        seconds_for_orders=60,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PROJECTS)
async def test_the_fix_is_confirmed_and_nothing_else(name: str, tmp_path: Path) -> None:
    async with prepared(PROJECTS[name], tmp_path) as bench:
        notes = arguments_for(bench.snapshot, ("pytest_cov", "xdist")).notes
        assert bool(notes) == (name not in ("plugins-turned-off", "settings-below"))
        await check(bench)
