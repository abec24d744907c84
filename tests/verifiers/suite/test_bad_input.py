"""Trees and suites that are not as one would wish: each gives the right verdict, or a message with the next step."""

from __future__ import annotations

import os
import shutil
import socket
import stat
import sys
import venv
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from cProfile import Profile
from pathlib import Path

import anyio
import pytest

from tests.verifiers.sandbox.rooms import open_folder
from verifiers import (
    BaseStateError,
    ProjectTests,
    SandboxLimits,
    Snapshot,
    SuiteLimits,
    take_snapshot,
)
from verifiers.suite.running.cold import run_cold
from verifiers.suite.running.limits import RunLimits
from verifiers.suite.running.runs import Request
from verifiers.suite.running.site import open_site

from .projects import CALC, FIXED, TARGETS, TESTS, change_of, write_project

RED = {"calc.py": CALC, "test_calc.py": TESTS}
QUICK = SuiteLimits(seconds=20, test_seconds=1, baseline_seconds=0)


@asynccontextmanager
async def prepared(
    root: Path, limits: SuiteLimits = QUICK
) -> AsyncIterator[tuple[ProjectTests, Snapshot]]:
    """A verifier of the project at `root`."""
    tests, snapshot = ProjectTests(limits=limits), take_snapshot(root)
    try:
        await tests.prepare(snapshot)
        yield tests, snapshot
    finally:
        await tests.aclose()


async def refusal(root: Path, limits: SuiteLimits = QUICK, python: Path | None = None) -> str:
    """What is said of a base that cannot be judged with."""
    tests = ProjectTests(limits=limits, python=python)
    with pytest.raises(BaseStateError) as caught:
        await tests.prepare(take_snapshot(root))
    await tests.aclose()
    return str(caught.value)


async def is_confirmed(root: Path) -> bool:
    """True when the right change of the small project at `root` stands, on a warm server and from nothing."""
    async with prepared(root, SuiteLimits(baseline_seconds=0)) as (tests, snapshot):
        assert tests.baseline.targets == TARGETS
        assert tests.baseline.warm
        change = change_of(snapshot, {"calc.py": FIXED})
        assert (await tests.verify(change)).passed
        return (await tests.confirm(change)).passed


@pytest.mark.parametrize(
    "name",
    ["two words", "Grüße-日本", "new\nline", "a:b", "a,b", "back\\slash", "quo'te\"$(x)", "\udcff"],
    ids=["space", "unicode", "newline", "colon", "comma", "backslash", "quotes", "no-text"],
)
async def test_a_project_may_be_called_anything(tmp_path: Path, name: str) -> None:
    assert await is_confirmed(write_project(tmp_path / name, RED))


async def test_what_is_no_file_is_left_out(tmp_path: Path) -> None:
    root = write_project(tmp_path / "project", RED)
    (root / "data").mkdir()
    os.mkfifo(root / "fifo")
    os.mkfifo(root / "data" / "fifo")
    (root / "dangling").symlink_to("nowhere")
    (root / "loop").symlink_to("loop")
    (root / "one").symlink_to("two")
    (root / "two").symlink_to("one")
    (root / "data" / "up").symlink_to("../..")
    (root / "data" / "again").symlink_to("../calc.py")
    if os.geteuid() == 0:
        os.mknod(root / "device", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    with socket.socket(socket.AF_UNIX) as listening, _inside(root):
        listening.bind("socket")
        assert take_snapshot(root).files == ("calc.py", "test_calc.py")
        assert await is_confirmed(root)


async def test_the_file_of_a_worktree_is_left_out_as_the_folder_is(tmp_path: Path) -> None:
    root = write_project(tmp_path, {**RED, ".git": "gitdir: /somewhere/.git/worktrees/this\n"})
    assert take_snapshot(root).files == ("calc.py", "test_calc.py")
    assert await is_confirmed(root)


async def test_a_large_file_is_not_held_in_memory(tmp_path: Path) -> None:
    root = write_project(tmp_path, RED)
    with (root / "data.bin").open("wb") as file:
        file.truncate(50 << 20)
    assert "data.bin" in take_snapshot(root).files
    assert await is_confirmed(root)


async def test_what_may_not_be_read_is_left_out() -> None:
    root = write_project(open_folder(), {**RED, "secret.txt": "x\n", "closed/file.txt": "x\n"})
    try:
        (root / "secret.txt").chmod(0)
        (root / "closed").chmod(0)
        with _ordinary_user():
            assert take_snapshot(root).files == ("calc.py", "test_calc.py")
        root.chmod(0)
        with _ordinary_user(), pytest.raises(BaseStateError, match="cannot be read by this user"):
            take_snapshot(root)
    finally:
        root.chmod(0o700)
        shutil.rmtree(root)


async def test_a_tree_that_cannot_be_written_is_judged_all_the_same(tmp_path: Path) -> None:
    root = write_project(tmp_path / "project", RED)
    code = (
        "import os, sys\n"
        "from verifiers.sandbox import kernel\n"
        "kernel.unshare(kernel.NEWNS)\n"
        "kernel.make_private()\n"
        "kernel.bind(sys.argv[1], sys.argv[1])\n"
        "os.execv(sys.executable, [sys.executable, '-c', sys.argv[2], sys.argv[1]])\n"
    )
    judge = (
        "import anyio, pathlib, sys\n"
        "from tests.verifiers.suite.test_bad_input import is_confirmed\n"
        "root = pathlib.Path(sys.argv[1])\n"
        "try:\n    (root / 'new').touch()\nexcept OSError:\n    pass\nelse:\n    sys.exit('it can be written')\n"
        "assert anyio.run(is_confirmed, root)\n"
        "print('confirmed')\n"
    )
    if os.geteuid() != 0:
        pytest.skip("only root can mount")
    done = await anyio.run_process(
        [sys.executable, "-c", code, str(root), judge],
        check=False,
        cwd=Path(__file__).parents[3],
    )
    assert done.stdout == b"confirmed\n", done.stderr.decode()


async def test_an_interpreter_without_pytest_is_named_with_what_to_do(tmp_path: Path) -> None:
    root = write_project(tmp_path / "project", RED)
    venv.create(tmp_path / "bare", symlinks=True, with_pip=False)
    python = tmp_path / "bare" / "bin" / "python"
    said = await refusal(root, python=python)
    assert str(python) in said
    assert "install it there, or name another one with --python" in said
    said = await refusal(root, python=tmp_path / "nowhere")
    assert "not a working Python: name one with --python" in said


@pytest.mark.parametrize("name", ["does-not-exist.invalid", "example.org"])
async def test_a_name_lookup_fails_at_once(tmp_path: Path, name: str) -> None:
    lookup = f"import socket\n\ndef test_lookup():\n    socket.getaddrinfo({name!r}, 80)\n"
    async with prepared(write_project(tmp_path, {**RED, "test_net.py": lookup})) as (tests, _):
        seen = tests.baseline.failures.get("test_net.py::test_lookup")
        assert seen is not None
        assert seen.error == "gaierror", "it ran into the limit of a test"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("import time\ntime.sleep(600)\n", "hangs when it is imported"),
        (
            "import threading, time\n\ndef test_x():\n    threading.Thread(target=time.sleep, args=(600,)).start()\n",
            "a thread or an exit handler of theirs goes on",
        ),
        (
            "import atexit, time\n\ndef test_x():\n    atexit.register(time.sleep, 600)\n",
            "a thread or an exit handler of theirs goes on",
        ),
        (
            "import time, pytest\n\n@pytest.mark.parametrize('n', range(100))\ndef test_x(n):\n    time.sleep(0.9)\n",
            "of 106 ran: raise the limit with --suite-seconds",
        ),
    ],
    ids=["import", "thread", "exit", "many"],
)
async def test_a_base_that_does_not_end_is_refused(tmp_path: Path, text: str, wanted: str) -> None:
    root = write_project(tmp_path, {**RED, "test_hang.py": text})
    said = await refusal(root, SuiteLimits(seconds=5))
    assert "took more than 5 s" in said
    assert wanted in said


async def test_a_name_that_pytest_does_not_take_is_told_in_its_words(tmp_path: Path) -> None:
    said = await refusal(write_project(tmp_path / "[x]", RED))
    assert "ERROR: path cannot contain []" in said


async def test_a_test_that_takes_too_long_is_red_and_says_so(tmp_path: Path) -> None:
    slow = "import time\n\ndef test_slow():\n    time.sleep(600)\n"
    async with prepared(write_project(tmp_path, {**RED, "test_slow.py": slow})) as (tests, _):
        seen = tests.baseline.failures["test_slow.py::test_slow"]
        assert (seen.error, seen.message) == ("TestTimeout", "longer than 1 s")


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (SandboxLimits(disk_bytes=8 << 20), "No space left on device"),
        (SandboxLimits(file_bytes=8 << 20), "File too large"),
    ],
    ids=["disk", "file"],
)
async def test_a_full_disk_is_named(tmp_path: Path, limits: SandboxLimits, message: str) -> None:
    filling = (
        "def test_here():\n    fill('data')\n\ndef test_there(tmp_path):\n    fill(tmp_path / 'data')\n"
        "\ndef fill(path):\n    with open(path, 'wb') as file:\n"
        "        for _ in range(20):\n            file.write(bytes(1 << 20))\n"
    )
    root = write_project(tmp_path, {**RED, "test_fill.py": filling})
    async with prepared(root, SuiteLimits(sandbox=limits, baseline_seconds=0)) as (tests, _):
        seen = {
            tests.baseline.failures[f"test_fill.py::test_{n}"].message for n in ("here", "there")
        }
        assert all(message in text for text in seen)


async def test_a_candidate_cannot_fill_the_disk_in_any_run(tmp_path: Path) -> None:
    """Nor leave a file behind: what a run from nothing writes to the tree is memory, with a limit, and vanishes."""
    filling = FIXED + (
        "\n\nfor number in range(20):\n"
        "    with open(f'fill-{number}', 'wb') as file:\n        file.write(bytes(1 << 20))\n"
    )
    limits = SuiteLimits(sandbox=SandboxLimits(disk_bytes=8 << 20), baseline_seconds=0)
    async with prepared(write_project(tmp_path, RED), limits) as (tests, snapshot):
        change = change_of(snapshot, {"calc.py": filling})
        for judge in (tests.verify, tests.confirm):
            verdict = await judge(change)
            assert not verdict.passed
            assert any("No space left" in finding.message for finding in verdict.findings)


async def test_a_thousand_tests_are_looked_at_a_few_times_each(tmp_path: Path) -> None:
    many = (
        "import pytest\nfrom calc import double\n\n\n@pytest.mark.parametrize('n', range(1_000))\n"
        "def test_double(n):\n    assert double(n) == 2 * n\n"
    )
    root, counting = write_project(tmp_path, {**RED, "test_many.py": many}), Profile()
    with counting:
        async with prepared(root, SuiteLimits(baseline_seconds=0)) as (tests, snapshot):
            assert len(tests.baseline.outcomes) == 1_006
            assert (await tests.verify(change_of(snapshot, {"calc.py": FIXED}))).passed
            wrong = change_of(snapshot, {"calc.py": FIXED.replace("value * 2", "value * 3")})
            assert not (await tests.verify(wrong)).passed
    looks = [
        entry.callcount
        for entry in counting.getstats()
        if getattr(entry.code, "co_qualname", "") == "TestRecord.outcome"
    ]
    assert 1_000 < sum(looks) < 100_000, "something looks at all tests for each test"


async def test_thousands_that_fail_are_not_summed_up(tmp_path: Path) -> None:
    """pytest's own summary takes minutes for them; what each showed is known without."""
    many = (
        "import pytest\nfrom calc import mean\n\n\n@pytest.mark.parametrize('n', range(1, 301))\n"
        "def test_mean(n):\n    assert mean([n]) == n\n"
    )
    root = write_project(tmp_path, {"calc.py": CALC, "test_many.py": many})
    site = await open_site(take_snapshot(root), None, "namespaces")
    limits = RunLimits(seconds=60, test_seconds=20, output_bytes=8 << 20)
    result = await run_cold(site, Request(limits=limits), SandboxLimits(), hash_seed=0)
    site.close()
    assert len(result.seen.failures) == 300
    assert "300 failed" in result.tail
    assert "short test summary" not in result.tail


async def test_a_site_is_a_copy_of_the_files_that_count(tmp_path: Path) -> None:
    names = [f"package{n % 20}/module{n}.py" for n in range(2_000)]
    root = write_project(tmp_path, dict.fromkeys(names, "x = 1\n"))
    snapshot = take_snapshot(root)
    assert snapshot.files == tuple(sorted(names))
    site = await open_site(snapshot, None, "namespaces")
    assert take_snapshot(site.tree).digest == snapshot.digest
    site.close()
    assert not site.folder.exists()


@contextmanager
def _inside(folder: Path) -> Iterator[None]:
    """The path of a socket may not be long."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


@contextmanager
def _ordinary_user() -> Iterator[None]:
    """For a moment the files are seen as somebody sees them who is not root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(1000)
    try:
        yield
    finally:
        os.seteuid(0)
