from __future__ import annotations

from pathlib import Path

import pytest

from verifiers import SandboxLimits, take_snapshot
from verifiers.suite.running.limits import RunLimits
from verifiers.suite.running.pool import SuitePool
from verifiers.suite.running.runs import Request, Result
from verifiers.suite.running.server import Start, SuiteServer
from verifiers.suite.running.site import open_site
from verifiers.suite.running.stages import Stage

from .projects import write_project

STAGES: tuple[Stage, ...] = ("imports", "plugins", "session")
LIMITS = RunLimits(seconds=30, test_seconds=10, output_bytes=1 << 20)
PROJECT = {
    "shop.py": "def price():\n    return 1\n",
    "tests/conftest.py": """
import logging, pytest

@pytest.fixture
def three():
    logging.getLogger().warning("three")
    return 3
""",
    "tests/test_a.py": """
import os, sys, warnings, logging
import shop

def test_price():
    assert shop.price() == 2

def test_what_is_printed(capfd, capsys_text="hello"):
    os.system("echo " + capsys_text)
    assert capfd.readouterr().out == "hello\\n"

def test_what_is_logged(three, caplog):
    logging.getLogger("x").error("seen %s", three)
    assert [record.getMessage() for record in caplog.records] == ["seen 3"]

def test_temporary(tmp_path):
    (tmp_path / "x").write_text("1")
    assert (tmp_path / "x").read_text() == "1"

def test_arguments():
    assert sys.argv[0] == "pytest"
""",
    "tests/test_b.py": "def test_b():\n    print('b')\n",
    "pytest.ini": "[pytest]\naddopts = -ra\nlog_level = INFO\nfilterwarnings = error\n",
}


async def _run(root: Path, stage: Stage, *requests: Request) -> list[Result]:
    site = await open_site(take_snapshot(root), None, "namespaces")
    start = Start(arguments=("-q", "-p", "no:asyncio"), stage=stage)
    try:
        server = await SuiteServer.start(site, SandboxLimits(), start)
        try:
            return [await server.run(request) for request in requests]
        finally:
            await server.aclose()
    finally:
        site.close()


def _request(
    *more: str, tests: tuple[str, ...] = (), files: dict[str, bytes] | None = None
) -> Request:
    arguments = ("-q", "-p", "no:asyncio", *more)
    return Request(limits=LIMITS, arguments=arguments, tests=tests, files=files or {})


@pytest.mark.parametrize("stage", STAGES)
async def test_what_is_done_ahead_changes_nothing(tmp_path: Path, stage: Stage) -> None:
    root = write_project(tmp_path / "project", PROJECT)
    mended = {"shop.py": b"def price():\n    return 2\n"}
    whole, fixed, some, fewer, again = await _run(
        root,
        stage,
        _request(),
        _request(files=mended),
        _request("--tb=no", tests=("tests/test_a.py::test_price", "tests/test_b.py")),
        _request("--deselect=tests/test_a.py::test_price", "--ignore=tests/test_b.py"),
        _request(),
    )
    names = ("price", "what_is_printed", "what_is_logged", "temporary", "arguments")
    outcomes = {f"tests/test_a.py::test_{name}": "passed" for name in names}
    outcomes["tests/test_b.py::test_b"] = "passed"
    red = {**outcomes, "tests/test_a.py::test_price": "failed"}
    assert whole.seen.outcomes == again.seen.outcomes == red, whole.tail
    assert fixed.seen.outcomes == outcomes
    assert some.seen.outcomes == {
        "tests/test_a.py::test_price": "failed",
        "tests/test_b.py::test_b": "passed",
    }
    assert list(fewer.seen.outcomes) == [f"tests/test_a.py::test_{name}" for name in names[1:]]
    assert not any(run.seen.num_foreign or run.crashed for run in (whole, fixed, some, fewer))


@pytest.mark.parametrize("stage", STAGES)
async def test_a_crash_writes_nothing_to_our_channels(tmp_path: Path, stage: Stage) -> None:
    crash = b"import ctypes\ndef price():\n    ctypes.string_at(0)\n"
    root = write_project(tmp_path / "project", PROJECT)
    (result,) = await _run(root, stage, _request(files={"shop.py": crash}))
    assert (result.crashed, result.status, result.seen.num_foreign) == (True, 128 + 11, 0)
    assert "Segmentation fault" in result.tail


@pytest.mark.parametrize("stage", STAGES)
async def test_the_judged_code_holds_no_descriptor_of_the_server(
    tmp_path: Path, stage: Stage
) -> None:
    spy = b"""
import os, socket

def price():
    kinds = [os.readlink(f"/proc/self/fd/{n}") for n in os.listdir("/proc/self/fd") if _there(n)]
    sockets = {kind for kind in kinds if kind.startswith("socket:")}
    assert len(sockets) <= 2, kinds  # the report and what is printed
    return 2

def _there(number):
    return os.path.lexists(f"/proc/self/fd/{number}")
"""
    root = write_project(tmp_path / "project", PROJECT)
    (result,) = await _run(root, stage, _request(files={"shop.py": spy}))
    assert result.seen.outcomes["tests/test_a.py::test_price"] == "passed", result.seen.failures


CONFTESTS: dict[str, tuple[str, Stage]] = {
    "of its own": ("import json\n", "session"),
    "that imports the project": ("import shop\n", "plugins"),
    "with a thread": (
        "import threading, time\nthreading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n",
        "plugins",
    ),
    "that writes": ("open('log.txt', 'w').close()\n", "plugins"),
}


@pytest.mark.parametrize("kind", CONFTESTS)
async def test_as_much_is_done_ahead_as_is_sound(tmp_path: Path, kind: str) -> None:
    text, stage = CONFTESTS[kind]
    root = write_project(tmp_path / "project", {**PROJECT, "conftest.py": text})
    site = await open_site(take_snapshot(root), None, "namespaces")
    pool = SuitePool(
        site, SandboxLimits(), (), 1, ("-q", "-p", "no:asyncio"), lambda path: "conftest" in path
    )
    try:
        mended = await pool.run(_request(files={"shop.py": b"def price():\n    return 2\n"}))
        assert set(mended.seen.outcomes.values()) == {"passed"}, mended.tail
        assert pool.stage == stage
    finally:
        await pool.aclose()
        site.close()


async def test_a_plugin_that_is_a_part_of_the_project_is_seen_changed(tmp_path: Path) -> None:
    files = {
        **PROJECT,
        "pytest.ini": "[pytest]\naddopts = -p plugin\n",
        "plugin.py": "import shop\n",
    }
    root = write_project(tmp_path / "project", files)
    site = await open_site(take_snapshot(root), None, "namespaces")
    pool = SuitePool(site, SandboxLimits(), (), 1, ("-q", "-p", "no:asyncio"))
    try:
        mended = await pool.run(_request(files={"shop.py": b"def price():\n    return 2\n"}))
        assert set(mended.seen.outcomes.values()) == {"passed"}, mended.tail
        assert pool.stage == "imports"
    finally:
        await pool.aclose()
        site.close()


async def test_a_changed_program_stays_one(tmp_path: Path) -> None:
    files = {
        "tool": "#!/bin/sh\nexit 1\n",
        "test_tool.py": "import subprocess\n\n\ndef test_tool():\n    assert subprocess.call(['./tool']) == 0\n",
    }
    root = write_project(tmp_path / "project", files)
    (root / "tool").chmod(0o755)
    mended = {"tool": b"#!/bin/sh\nexit 0\n"}
    red, green = await _run(root, "session", _request(), _request(files=mended))
    assert list(red.seen.outcomes.values()) == ["failed"]
    assert list(green.seen.outcomes.values()) == ["passed"]


@pytest.mark.parametrize("stage", STAGES)
async def test_a_timer_of_a_plugin_goes_on(tmp_path: Path, stage: Stage) -> None:
    files = {
        "pytest.ini": "[pytest]\ntimeout = 1\n",
        "test_time.py": "import time\n\n\ndef test_slow():\n    time.sleep(1.6)\n\n\ndef test_quick():\n    pass\n",
    }
    root = write_project(tmp_path / "project", files)
    (result,) = await _run(root, stage, _request())
    assert list(result.seen.outcomes.values()) == ["failed", "passed"]
    assert "Timeout" in result.seen.failures["test_time.py::test_slow"].message


async def test_what_the_settings_put_on_the_path_stays_there(tmp_path: Path) -> None:
    files = {
        "pytest.ini": "[pytest]\npythonpath = src\n",
        "src/shop.py": PROJECT["shop.py"],
        "test_shop.py": "import shop\n\n\ndef test_price():\n    assert shop.price() == 1\n",
    }
    root = write_project(tmp_path / "project", files)
    for stage in STAGES:
        (result,) = await _run(root, stage, _request())
        assert list(result.seen.outcomes.values()) == ["passed"], (stage, result.tail)
