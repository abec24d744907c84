"""What a program in a room can and cannot do: tried with real programs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from verifiers.sandbox import Room, SandboxLimits, check_namespaces

LIMITS = SandboxLimits(memory_bytes=1 << 30, cpu_seconds=20, disk_bytes=8 << 20, file_bytes=4 << 20)


def run(tree: Path, code: str, writable: str = "overlay") -> subprocess.CompletedProcess[str]:
    room = Room(tree=tree, place=str(tree), shown=(sys.prefix, sys.base_prefix))
    command = room.command([sys.executable, "-c", code], {"SEEN": "1"}, LIMITS, writable=writable)
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


async def test_this_machine_has_what_is_needed() -> None:
    await check_namespaces()


REFUSED = {
    "write-outside": "open('/usr/x', 'w')",
    "write-root": "open('/x', 'w')",
    "home": "open(os.path.expanduser('~root/.bashrc'))",
    "network": "socket.create_connection(('1.1.1.1', 53), 2)",
    "mount": "ctypes.CDLL(None, use_errno=True).mount(b'none', b'/tmp', b'tmpfs', 0, None) and die()",
    "unshare": "ctypes.CDLL(None, use_errno=True).unshare(0x10000000) and die()",
    "ptrace": "ctypes.CDLL(None, use_errno=True).ptrace(16, os.getppid(), 0, 0) and die()",
    "chroot": "os.chroot('/tmp')",
    "set-user": "os.setuid(0)",
    "big-file": "open('big', 'wb').write(b'x' * (6 << 20))",
    "full-disk": "[open(f'f{i}', 'wb').write(b'x' * (3 << 20)) for i in range(5)]",
    "much-memory": "bytearray(2 << 30)",
    "kill-outside": "os.kill(int(os.environ['OUTSIDE']), 9)",
    "raw-device": "open('/dev/vda', 'rb') if os.path.exists('/dev/vda') else die()",
}
SETUP = "import ctypes, os, socket\ndef die(): raise OSError('refused')\n"


@pytest.mark.parametrize("name", REFUSED)
def test_is_refused(tmp_path: Path, name: str) -> None:
    done = run(tmp_path, SETUP + f"os.environ['OUTSIDE'] = '{os.getpid()}'\n" + REFUSED[name])
    assert done.returncode != 0
    assert any(word in done.stderr for word in ("Error", "error")), done.stderr
    assert list(tmp_path.iterdir()) == []


def test_sees_only_itself(tmp_path: Path) -> None:
    code = (
        "import os; print(sorted(p for p in os.listdir('/proc') if p.isdigit())[:3]);"
        "print(sorted(os.environ)); print(os.path.exists('/home'), os.path.exists('/var'))"
    )
    processes, environment, others = run(tmp_path, code).stdout.splitlines()
    assert processes == "['1', '2']"
    assert environment in ("['SEEN']", "['LC_CTYPE', 'SEEN']")
    assert others == "False False"


def test_writes_vanish_or_stay_as_asked(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    code = "open('a', 'w').write('2'); open('b', 'w').write('3'); print(open('a').read())"
    assert run(tmp_path, code).stdout == "2\n"
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("a", "1")]
    assert run(tmp_path, code, "no").returncode != 0
    assert run(tmp_path, code, "through").stdout == "2\n"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "b"]


def test_loopback_works(tmp_path: Path) -> None:
    code = "import socket; s = socket.create_server(('127.0.0.1', 0)); socket.create_connection(s.getsockname()); print('ok')"
    assert run(tmp_path, code).stdout == "ok\n"


def test_a_daemon_dies_with_the_run(tmp_path: Path) -> None:
    mark = f"winnow-daemon-{os.getpid()}"
    daemon = f"os.setsid(); os.execv('/bin/sh', ['{mark}', '-c', 'sleep 100'])"
    code = f"import os, time\nif os.fork() == 0:\n    {daemon}\ntime.sleep(0.3)"
    assert run(tmp_path, code).returncode == 0
    assert not processes_with(mark)


def test_exit_codes_come_through(tmp_path: Path) -> None:
    assert run(tmp_path, "raise SystemExit(7)").returncode == 7
    assert run(tmp_path, "import os; os.kill(os.getpid(), 9)").returncode == 128 + 9


PARENT = """
import sys, subprocess
from pathlib import Path
from verifiers.sandbox import Room, SandboxLimits
tree = sys.argv[1]
room = Room(tree=Path(tree), place=tree, shown=(sys.prefix, sys.base_prefix))
code = "import os, time; os.fork(); os.setsid() if os.getpid() != 2 else None; print('up', flush=True); time.sleep(300)"
command = room.command([sys.executable, "-c", code, sys.argv[2]], {}, SandboxLimits())
subprocess.run(command)
"""


@pytest.mark.parametrize("seconds", [0.0, 0.05, 0.1, 0.2, 0.5])
def test_nothing_survives_the_death_of_the_parent(tmp_path: Path, seconds: float) -> None:
    mark = f"winnow-orphan-{os.getpid()}-{seconds}"
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path), mark], stdout=subprocess.PIPE, text=True
    )
    if seconds == 0.5:
        assert parent.stdout is not None
        parent.stdout.readline()
    time.sleep(seconds)
    parent.send_signal(signal.SIGKILL)
    parent.communicate()
    deadline = time.monotonic() + 20
    while processes_with(mark) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not processes_with(mark)


def processes_with(mark: str) -> list[str]:
    found = []
    for folder in Path("/proc").iterdir():
        try:
            line = (folder / "cmdline").read_bytes() if folder.name.isdigit() else b""
        except OSError:
            continue
        if mark.encode() in line and folder.name != str(os.getpid()):
            found.append(folder.name)
    return found
