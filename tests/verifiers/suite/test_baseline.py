"""What several runs of a base say together: flaky tests, those that depend on the order, those that lack something."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest

from verifiers import BaseStateError, ProjectTests, Snapshot, SuiteLimits, take_snapshot
from verifiers.suite.base.outside import looks_missing
from verifiers.suite.running.failures import Failure

from .projects import CALC, FIXED, TARGETS, TESTS, change_of, write_project

RED = {"calc.py": CALC, "test_calc.py": TESTS}
LEAKS = {
    "test_a_sets.py": "import calc\n\ndef test_set():\n    calc.ready = True\n",
    "test_b_needs.py": "import calc\n\ndef test_ready():\n    assert calc.ready\n",
    "test_c_other.py": "def test_other():\n    pass\n",
}
HASHED = "def test_first_of_a_set():\n    assert next(iter({'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'})) == FIRST\n"


@asynccontextmanager
async def prepared(tests: ProjectTests, snapshot: Snapshot) -> AsyncIterator[ProjectTests]:
    await tests.prepare(snapshot)
    try:
        yield tests
    finally:
        await tests.aclose()


def _first_of_the_set() -> str:
    """What the set of the hashed test begins with under hash seed 0."""
    code = "print(next(iter({'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'})))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


async def test_three_cold_runs_tell_order_from_chance_and_confirm_in_a_known_order(
    tmp_path: Path,
) -> None:
    hashed = HASHED.replace("FIRST", repr(_first_of_the_set()))
    files = {**RED, **LEAKS, "test_hash.py": hashed}
    snapshot = take_snapshot(write_project(tmp_path, files))
    async with prepared(ProjectTests(cache=False), snapshot) as tests:
        baseline = tests.baseline
        assert baseline.order_dependent == {"test_b_needs.py::test_ready"}
        assert baseline.flaky == {
            "test_b_needs.py::test_ready",
            "test_hash.py::test_first_of_a_set",
        }
        assert baseline.targets == TARGETS
        assert sorted(baseline.order) == sorted({f for f in files if f.startswith("test_")})
        assert list(baseline.order) != sorted(baseline.order)
        assert baseline.num_cold_runs > 3, "what did otherwise ran again in the project's order"
        verdict = await tests.confirm(change_of(snapshot, {"calc.py": FIXED}))
        assert (verdict.passed, verdict.level) == (True, "confirmed")
        assert verdict.command.startswith("PYTHONHASHSEED=1 python -m pytest ")
        assert verdict.command.endswith(" ".join(baseline.order))
        assert "winnow" not in verdict.command
    outcomes = list(verdict.tests.values())
    counts = f"{outcomes.count('failed')} failed, {outcomes.count('passed')} passed"
    assert outcomes.count("failed") >= 1, "what fails is flaky, and in this order it does fail"
    done = await anyio.run_process(
        verdict.command.replace(" python ", f" {sys.executable} ", 1),
        cwd=write_project(tmp_path / "again", {**files, "calc.py": FIXED}),
        check=False,
    )
    assert counts in done.stdout.decode(), "the line can be typed as it stands"


async def test_without_time_the_base_runs_once_from_nothing_and_says_so(tmp_path: Path) -> None:
    snapshot = take_snapshot(write_project(tmp_path, {**RED, **LEAKS}))
    tests = ProjectTests(cache=False, limits=SuiteLimits(baseline_seconds=0))
    async with prepared(tests, snapshot):
        assert (tests.baseline.num_cold_runs, tests.baseline.order) == (1, ())
        assert not tests.baseline.flaky
        assert "ran 1 of 3 times" in tests.baseline.notes[0]
        verdict = await tests.confirm(change_of(snapshot, {"calc.py": FIXED}))
        assert verdict.passed, "in the order that the base was seen in"


async def test_red_for_another_reason_is_still_red(tmp_path: Path) -> None:
    text = "import os\n\ndef test_red():\n    raise KeyError if os.environ['PYTHONHASHSEED'] == '0' else OSError\n"
    snapshot = take_snapshot(write_project(tmp_path, {"test_red.py": text}))
    async with prepared(ProjectTests(cache=False), snapshot) as tests:
        assert tests.baseline.targets == ("test_red.py::test_red",)
        assert not tests.baseline.flaky


async def test_a_source_file_with_examples_may_define_what_looks_like_a_test(
    tmp_path: Path,
) -> None:
    source = FIXED + '\n\ndef test_connection(host):\n    """\n    >>> 1 + 1\n    2\n    """\n'
    files = {"calc.py": source.replace("value * 2", "value * 3"), "test_calc.py": TESTS}
    files["pytest.ini"] = "[pytest]\naddopts = --doctest-modules\n"
    snapshot = take_snapshot(write_project(tmp_path, files))
    async with prepared(ProjectTests(cache=False), snapshot) as tests:
        assert not tests.baseline.flaky
        assert "calc.py::test_connection" not in tests.baseline.outcomes
        assert "calc.py::calc.test_connection" in tests.baseline.outcomes


@pytest.fixture
def port() -> Iterator[int]:
    """A server on this machine, out of a sandbox's reach."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(60)
        stop = threading.Event()

        def answer() -> None:
            while not stop.is_set():
                try:
                    server.accept()[0].close()
                except OSError:
                    return

        thread = threading.Thread(target=answer)
        thread.start()
        yield server.getsockname()[1]
        stop.set()
        with socket.create_connection(server.getsockname()):
            thread.join()


ONLINE = "import socket\n\ndef test_online():\n    socket.create_connection(('127.0.0.1', {port})).close()\n"
FAULTY = "\ndef test_faulty():\n    open('/nowhere/at/all')\n"


async def test_what_the_sandbox_does_not_give_is_named_and_charged_to_nobody(
    tmp_path: Path, port: int
) -> None:
    files = {**RED, "test_online.py": ONLINE.format(port=port) + FAULTY}
    snapshot = take_snapshot(write_project(tmp_path, files))
    online, faulty = "test_online.py::test_online", "test_online.py::test_faulty"
    async with prepared(ProjectTests(cache=False), snapshot) as tests:
        baseline = tests.baseline
        assert list(baseline.missing) == [online]
        assert baseline.missing[online].error == "ConnectionRefusedError"
        assert set(baseline.targets) == {*TARGETS, faulty}
        assert online not in baseline.must_pass
        assert any("needs something that the sandbox does not give" in n for n in baseline.notes)
    named = ProjectTests(cache=False, targets=(online,))
    with pytest.raises(BaseStateError, match="sandbox does not give") as caught:
        await named.prepare(snapshot)
    assert caught.value.reason == "target_not_red"
    async with prepared(ProjectTests(cache=False, look_outside=False), snapshot) as blind:
        assert not blind.baseline.missing
        assert online in blind.baseline.targets


@pytest.mark.parametrize(
    ("error", "message", "is_missing"),
    [
        ("gaierror", "[Errno -2] Name or service not known", True),
        ("OSError", "[Errno 101] Network is unreachable", True),
        ("FileNotFoundError", "[Errno 2] No such file or directory: '/home/x/.netrc'", True),
        ("FileNotFoundError", "[Errno 2] No such file or directory: 'git'", True),
        ("FileNotFoundError", "[Errno 2] No such file or directory: '/tree/data.txt'", False),
        ("FileNotFoundError", "[Errno 2] No such file or directory: 'data.txt'", False),
        ("AssertionError", "assert 1 == 2", False),
    ],
)
def test_what_looks_like_something_missing(error: str, message: str, is_missing: bool) -> None:
    failure = Failure(error=error, message=message, path="", line=0, frames=())
    assert looks_missing(failure, "/tree") is is_missing


async def test_imports_of_test_files_are_known(tmp_path: Path) -> None:
    files = {**RED, **LEAKS}
    snapshot = take_snapshot(write_project(tmp_path, files))
    tests = ProjectTests(cache=False, limits=SuiteLimits(baseline_seconds=0))
    async with prepared(tests, snapshot):
        touched = tests.baseline.test_files_by_change(["calc.py"])
        assert touched == ("test_a_sets.py", "test_b_needs.py", "test_calc.py")
        assert tests.baseline.test_files_by_change(["test_c_other.py"]) == ("test_c_other.py",)
