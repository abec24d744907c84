"""Suites that stand on plugins of pytest: installed ones, and the project's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from .project import Project, check, prepared

STRICT = """\
import asyncio
import pytest, pytest_asyncio
from calc import double, mean

@pytest_asyncio.fixture
async def number():
    await asyncio.sleep(0)
    yield 4

@pytest.mark.asyncio
async def test_mean():
    await asyncio.sleep(0)
    assert mean([1, 2, 3]) == 2

@pytest.mark.asyncio
async def test_double(number):
    assert double(number) == 8

@pytest.mark.asyncio
@pytest.mark.parametrize("value, wanted", [(1, 2), (3, 6)])
async def test_rows(value, wanted):
    assert double(value) == wanted

class TestClass:
    pytestmark = pytest.mark.asyncio(loop_scope="class")

    async def test_gather(self):
        async def later(value):
            return double(value)
        assert await asyncio.gather(later(1), later(2)) == [2, 4]

    async def test_raises(self):
        with pytest.raises(TypeError):
            double(None)

def test_sync():
    assert double(2) == 4
"""

AUTO = """\
import asyncio, sys
import pytest
from calc import double, mean

@pytest.fixture(scope="session")
async def number():
    yield 4

async def test_mean():
    assert mean([1, 2, 3]) == 2

async def test_double(number):
    assert double(number) == 8

async def test_timeout():
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(asyncio.sleep(double(30)), 0.01)

async def test_thread():
    assert await asyncio.to_thread(double, 2) == 4

async def test_process():
    code = "import calc; print(calc.double(2))"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    assert out == b"4\\n"
"""
AUTO_SETTINGS = """\
[tool.pytest.ini_options]
asyncio_mode = "auto"
asyncio_default_fixture_loop_scope = "session"
filterwarnings = ["error"]
"""

ANYIO_AND_MOCKS = """\
import anyio
import pytest
from unittest import mock
from calc import double, mean
import report

@pytest.fixture
async def number():
    yield 4

@pytest.mark.anyio
async def test_mean():
    await anyio.sleep(0)
    assert mean([1, 2, 3]) == 2

@pytest.mark.anyio
async def test_group(number):
    async with anyio.create_task_group() as group:
        group.start_soon(anyio.sleep, 0)
    assert double(number) == 8

def test_patched(mocker):
    fake, log = mocker.patch("calc.mean", return_value=3), mocker.Mock()
    assert report.total([1, 2], log) == 6
    fake.assert_called_once_with([1, 2])
    log.info.assert_called_once_with("n=%d", 2)

def test_spy(mocker):
    spy = mocker.spy(report.calc, "double")
    assert report.twice(3) == 6
    spy.assert_called_once_with(3)
    assert spy.call_args_list == [mock.call(3)]

def test_calls(mocker):
    log = mocker.MagicMock()
    report.total([1], log.child)
    log.assert_has_calls([mock.call.child.info("n=%d", 1)])

@pytest.mark.anyio
async def test_awaited(mocker):
    later = mocker.AsyncMock()
    await later(double(2))
    later.assert_any_await(4)
"""
REPORT = """\
import calc

def total(values, log):
    log.info("n=%d", len(values))
    return calc.mean(values) * len(values)

def twice(value):
    return calc.double(value)
"""

HYPOTHESIS = """\
import pytest
from hypothesis import example, given, settings, strategies as st
from calc import clamp, double, mean

@given(st.lists(st.integers(-9, 9), min_size=1, max_size=3))
@settings(max_examples=20)
def test_mean(values):
    assert mean(values) * len(values) == pytest.approx(sum(values))

@given(st.integers())
@settings(max_examples=20)
def test_double(value):
    assert double(value) == value + value

@given(st.integers(), st.integers(0, 5))
@settings(max_examples=20)
@example(3, 1)
def test_clamp(value, low):
    assert low <= clamp(value, low, 9) <= 9
"""
DATABASE = """\
from hypothesis import settings
from hypothesis.database import DirectoryBasedExampleDatabase
settings.register_profile("kept", database=DirectoryBasedExampleDatabase(".hypothesis/examples"))
settings.load_profile("kept")
"""

SITE_PLUGIN = """\
import sqlite3
import pytest
import settings

def pytest_addoption(parser):
    parser.addoption("--reuse-db", action="store_true")
    parser.addini("DB_NAME", "file of the database")

def pytest_configure(config):
    settings.configured, settings.name = True, config.getini("DB_NAME")
    config.addinivalue_line("markers", "db: needs the database")

@pytest.fixture(scope="session")
def database(tmp_path_factory):
    connection = sqlite3.connect(tmp_path_factory.mktemp("db") / settings.name)
    connection.execute("create table prices (price integer)")
    yield connection
    connection.close()

@pytest.fixture
def db(database):
    yield database
    database.rollback()
"""
SITE = {
    "pytest.ini": "[pytest]\naddopts = -p site_plugin --reuse-db --strict-markers\npythonpath = .\nDB_NAME = prices.db\n",
    "site_plugin.py": SITE_PLUGIN,
    "settings.py": "configured, name = False, ''\n",
    "models.py": """\
import calc, settings
if not settings.configured:
    raise RuntimeError("settings are not configured")

def average(db):
    return calc.mean([price for price, in db.execute("select price from prices")])
""",
    "test_a.py": """\
import pytest
from calc import double
from models import average
pytestmark = pytest.mark.db

def test_average(db):
    db.executemany("insert into prices values (?)", [(1,), (2,), (3,)])
    assert average(db) == 2

def test_rolled_back(db):
    assert db.execute("select count(*) from prices").fetchone() == (0,)

def test_double():
    assert double(2) == 4
""",
}

OWN_PLUGIN = {
    "conftest.py": "pytest_plugins = ['support.fixtures', 'pytester']\n",
    "support/__init__.py": "",
    "support/fixtures.py": "import pytest\nfrom calc import double\n\n@pytest.fixture\ndef eight():\n    return double(4)\n",
    "test_a.py": """\
from calc import mean

def test_mean():
    assert mean([1, 2, 3]) == 2

def test_eight(eight):
    assert eight == 8

def test_within(pytester):
    pytester.makepyfile("def test_it(): assert 1 == 1")
    pytester.runpytest("-p", "no:asyncio").assert_outcomes(passed=1)

def test_process(pytester):
    pytester.makepyfile("def test_it(): assert 1 == 2")
    result = pytester.runpytest_subprocess("-p", "no:asyncio")
    result.stdout.fnmatch_lines(["*assert 1 == 2*"])
""",
}

MEAN = frozenset({"test_a.py::test_mean"})
PROJECTS = {
    "asyncio-strict": Project(files={"test_a.py": STRICT}, targets=MEAN),
    "asyncio-auto": Project(files={"test_a.py": AUTO, "pyproject.toml": AUTO_SETTINGS}, targets=MEAN),
    "anyio-mocks-and-hypothesis": Project(
        files={
            "test_a.py": ANYIO_AND_MOCKS,
            "test_b.py": HYPOTHESIS,
            "report.py": REPORT,
            "conftest.py": "import pytest\n\n@pytest.fixture\ndef anyio_backend():\n    return 'asyncio'\n",
        },
        targets=MEAN | {"test_b.py::test_mean"},
        seconds_for_orders=60,
    ),
    "hypothesis-with-database": Project(
        files={"test_a.py": HYPOTHESIS, "conftest.py": DATABASE, ".hypothesis/examples/a/b": "not an example"},
        targets=MEAN,
    ),
    "settings-in-a-plugin": Project(files=SITE, targets=frozenset({"test_a.py::test_average"})),
    "own-plugin": Project(files=OWN_PLUGIN, targets=MEAN),
}  # fmt: skip


@pytest.mark.parametrize("name", PROJECTS)
async def test_the_fix_is_confirmed_and_nothing_else(name: str, tmp_path: Path) -> None:
    async with prepared(PROJECTS[name], tmp_path) as bench:
        await check(bench)
