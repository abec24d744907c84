"""The file access rules, apart from the mounts: places that only they protect."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from verifiers.sandbox import landlock

from .rooms import USERS, User, open_folder, run

pytestmark = pytest.mark.skipif(not landlock.version(), reason="this kernel has no Landlock")
needs_scopes = pytest.mark.skipif(landlock.version() < 6, reason="this Landlock has no scopes")
SOURCE = str(Path(landlock.__file__).parent)


@pytest.fixture(params=USERS)
def user(request: pytest.FixtureRequest) -> User:
    return USERS[request.param]()


@pytest.fixture
def folder() -> Iterator[Path]:
    path = open_folder()
    yield path
    shutil.rmtree(path)


def confined(user: User, folder: Path, code: str) -> subprocess.CompletedProcess[str]:
    """Run code under the rules alone, without namespaces; only `folder`/in may be written."""
    (folder / "in").mkdir(exist_ok=True)
    (folder / "in").chmod(0o777)
    setup = (
        f"import os, sys; sys.path.insert(0, {SOURCE!r}); import landlock\n"
        f"os.chdir({str(folder)!r}); version = landlock.confine(['in', 'missing'])\n"
    )
    command = [*user.start, user.python, "-I", "-S", "-B", "-c", setup + code]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_says_which_version_is_in_force(user: User, folder: Path) -> None:
    assert confined(user, folder, "print(version)").stdout == f"{landlock.version()}\n"


@pytest.mark.parametrize(
    "code",
    [
        "open('out', 'w')",
        "os.mkdir('out')",
        "os.symlink('in', 'out')",
        "os.symlink(os.getcwd(), 'in/link'); open('in/link/out', 'w')",
        "open('/proc/self/root' + os.getcwd() + '/out', 'w')",
        "open('in/a', 'w'); os.rename('in/a', 'out')",
        "open('in/a', 'w'); os.link('in/a', 'out')",
        "os.remove('kept')",
        "os.truncate('kept', 0)",
        "open('/proc/self/comm', 'w')",
    ],
)
def test_refuses(user: User, folder: Path, code: str) -> None:
    (folder / "kept").write_text("kept")
    (folder / "kept").chmod(0o666)
    done = confined(user, folder, code)
    assert done.returncode == 1
    assert "PermissionError" in done.stderr or "cross-device" in done.stderr
    assert sorted(p.name for p in folder.iterdir()) == ["in", "kept"]
    assert (folder / "kept").read_text() == "kept"


def test_allows(user: User, folder: Path) -> None:
    code = (
        "open('in/a', 'w').write('x'); os.mkdir('in/d'); os.rename('in/a', 'in/d/b')\n"
        "open('/dev/null', 'w').write('x'); open('/proc/self/status').read(); os.listdir('/usr')\n"
        "import socket; s = socket.create_server(('127.0.0.1', 0))\n"
        "socket.create_connection(s.getsockname())\n"
        "os.execv('/bin/sh', ['sh', '-c', 'echo ok'])"
    )
    done = confined(user, folder, code)
    assert done.stdout == "ok\n", done.stderr


@needs_scopes
def test_signals_stay_inside(user: User, folder: Path) -> None:
    code = "import time; p = os.fork() or time.sleep(9); os.kill(p, 9); os.wait(); os.kill(os.getppid(), 0)"
    done = confined(user, folder, code)
    assert "PermissionError" in done.stderr


@needs_scopes
def test_a_room_cannot_signal_the_process_that_keeps_it(user: User, folder: Path) -> None:
    assert "PermissionError" in run(folder, "import os; os.kill(1, 0)", user=user).stderr


def test_is_in_force_in_a_room(user: User, folder: Path) -> None:
    done = run(folder, "open('/.winnow/scratch/x', 'w')", user=user)
    assert "PermissionError" in done.stderr


def test_reads_under_an_old_python() -> None:
    for name in ("landlock", "kernel", "confined", "launcher", "looking"):
        compile((Path(SOURCE) / f"{name}.py").read_text(), name, "exec", dont_inherit=True)
        import ast

        ast.parse((Path(SOURCE) / f"{name}.py").read_text(), feature_version=(3, 8))
    assert sys.version_info >= (3, 8)
