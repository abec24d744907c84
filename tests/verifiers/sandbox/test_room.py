"""What a program in a room can and cannot do: tried with real programs."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from verifiers.sandbox import SandboxLimits, check_namespaces

from .rooms import USERS, User, open_folder, processes_with, run


@pytest.fixture(params=USERS)
def user(request: pytest.FixtureRequest) -> User:
    return USERS[request.param]()


@pytest.fixture
def tree() -> Iterator[Path]:
    folder = open_folder()
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def outside() -> Iterator[Path]:
    """A folder that a room shows, with a file that everybody may write to."""
    folder = open_folder()
    (folder / "file").write_text("kept")
    (folder / "file").chmod(0o666)
    yield folder
    assert [(p.name, p.read_text()) for p in folder.iterdir()] == [("file", "kept")]
    shutil.rmtree(folder)


async def test_this_machine_has_what_is_needed() -> None:
    await check_namespaces()


REFUSED = {
    "write-outside": "open('/usr/x', 'w')",
    "write-root": "open('/x', 'w')",
    "home": "open(os.path.expanduser('~root/.bashrc'))",
    "network": "socket.create_connection(('1.1.1.1', 53), 2)",
    "datagram": "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('1.1.1.1', 53))",
    "abstract-socket": "socket.socket(socket.AF_UNIX).connect('\\0' + os.environ['OUTSIDE'])",
    "mount": "libc.mount(b'none', b'/tmp', b'tmpfs', 0, None) and die()",
    "unshare": "libc.unshare(0x10000000) and die()",
    "ptrace": "libc.ptrace(16, os.getppid(), 0, 0) and die()",
    "chroot": "os.chroot('/tmp')",
    "set-user": "os.setuid(0)",
    "device": "os.mknod('/tmp/device', 0o020666, os.makedev(1, 3))",
    "big-file": "open('big', 'wb').write(b'x' * (6 << 20))",
    "full-disk": "[open(f'f{i}', 'wb').write(b'x' * (3 << 20)) for i in range(5)]",
    "much-memory": "bytearray(2 << 30)",
    "kill-outside": "os.kill(int(os.environ['OUTSIDE']), 9)",
    "raw-device": "open('/dev/vda', 'rb') if os.path.exists('/dev/vda') else die()",
    "other-environment": "open('/proc/1/environ').read()",
    "host-name": "socket.sethostname('x')",
}
SETUP = (
    "import ctypes, os, socket\n"
    "libc = ctypes.CDLL(None, use_errno=True)\n"
    "def die(): raise OSError('refused')\n"
)


@pytest.mark.parametrize("name", REFUSED)
def test_is_refused(tree: Path, user: User, name: str) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(f"\0{os.getpid()}")
        listening.listen()
        code = SETUP + f"os.environ['OUTSIDE'] = '{os.getpid()}'\n" + REFUSED[name]
        done = run(tree, code, user=user)
    assert done.returncode != 0
    assert any(word in done.stderr for word in ("Error", "error")), done.stderr
    assert list(tree.iterdir()) == []


WAYS_OUT = {
    "plainly": "open(out + '/file', 'w')",
    "a new file": "open(out + '/new', 'w')",
    "through a link": "os.symlink(out, 'link'); open('link/file', 'w')",
    "through a link to a file": "os.symlink(out + '/file', 'link'); open('link', 'w')",
    "through the root link": "open('/proc/self/root' + out + '/file', 'w')",
    "through the folder link": "os.chdir(out); open('/proc/self/cwd/file', 'w')",
    "through an open folder": "d = os.open(out, os.O_RDONLY); open(f'/proc/self/fd/{d}/file', 'w')",
    "through another process": "open('/proc/1/root' + out + '/file', 'w')",
    "upwards": "open('../' * 30 + out[1:] + '/file', 'w')",
    "by a hard link": "os.link(out + '/file', 'link'); open('link', 'w')",
    "by moving": "os.rename(out + '/file', 'moved')",
    "by removing": "os.remove(out + '/file')",
    "by cutting": "os.truncate(out + '/file', 0)",
    "by its mode": "os.chmod(out + '/file', 0o777)",
}


@pytest.mark.parametrize("way", WAYS_OUT)
def test_writes_do_not_get_out(tree: Path, outside: Path, user: User, way: str) -> None:
    code = f"import os; out = {str(outside)!r}; assert open(out + '/file').read() == 'kept'\n"
    done = run(tree, code + WAYS_OUT[way], user=user, shown=[str(outside)])
    assert done.returncode == 1
    assert any(word in done.stderr for word in ("OSError", "PermissionError")), done.stderr


def test_no_privileges_and_no_new_ones(tree: Path, user: User) -> None:
    code = (
        "import os; s = dict(l.split(':', 1) for l in open('/proc/self/status'));"
        "print(*[int(s['Cap' + n], 16) for n in ('Inh', 'Prm', 'Eff', 'Bnd', 'Amb')],"
        "s['NoNewPrivs'].strip(), s['Seccomp'].strip(), os.geteuid() != 0, os.getegid() != 0)"
    )
    assert run(tree, code, user=user).stdout == "0 0 0 0 0 1 2 True True\n"


def test_a_set_user_program_gains_nothing(tree: Path, user: User) -> None:
    code = "import os; os.execv('/bin/su', ['su', '-s', '/bin/sh', '-c', 'echo gained', 'root'])"
    done = run(tree, code, user=user)
    assert done.returncode != 0
    assert "gained" not in done.stdout


def test_sees_only_itself(tree: Path, user: User) -> None:
    code = (
        "import os; print(sorted(p for p in os.listdir('/proc') if p.isdigit())[:3]);"
        "print(sorted(os.environ)); print(os.path.exists('/home'), os.path.exists('/var'))"
    )
    processes, environment, others = run(tree, code, user=user).stdout.splitlines()
    assert processes == "['1', '2']"
    assert environment in ("['SEEN']", "['LC_CTYPE', 'SEEN']")
    assert others == "False False"


def test_writes_vanish_or_stay_as_asked(tree: Path, user: User) -> None:
    (tree / "a").write_text("1")
    if user.start:  # an overlay copies only what belongs to a user that it knows
        shutil.chown(tree / "a", 1000, 1000)
    code = "open('a', 'w').write('2'); open('b', 'w').write('3'); print(open('a').read())"
    assert run(tree, code, user=user).stdout == "2\n"
    assert [(p.name, p.read_text()) for p in tree.iterdir()] == [("a", "1")]
    assert run(tree, code, user=user, writable="no").returncode != 0
    assert run(tree, code, user=user, writable="through").stdout == "2\n"
    assert sorted(p.name for p in tree.iterdir()) == ["a", "b"]


WORKS = {
    "stream": "s = socket.create_server(('127.0.0.1', 0)); socket.create_connection(s.getsockname())",
    "datagram": "s = socket.socket(2, 2); s.bind(('127.0.0.1', 0)); s.sendto(b'x', s.getsockname())",
    "abstract": "s = socket.socket(1); s.bind('\\0x'); s.listen(); socket.socket(1).connect('\\0x')",
    "file-socket": "s = socket.socket(1); s.bind('/tmp/s'); s.listen(); socket.socket(1).connect('/tmp/s')",
    "move": "open('a', 'w'); os.mkdir('d'); os.rename('a', 'd/b'); os.link('d/b', 'c')",
    "shared-memory": "open('/dev/shm/x', 'w').write('x'); open('/tmp/x', 'w').write('x')",
    "devices": "open('/dev/null', 'w').write('x'); open('/dev/null', 'ab').write(b'x'); open('/dev/urandom', 'rb').read(1)",
    "open-files": "r, w = os.pipe(); open(f'/dev/fd/{w}', 'w').write('x')",
    "signals": "p = os.fork() or time.sleep(9); os.kill(p, 9); os.wait(); os.kill(os.getpid(), 0)",
    "threads": "t = threading.Thread(target=len, args=('',)); t.start(); t.join()",
    "terminals": "import pty; p, f = pty.fork()\n"
    "if p == 0: os.write(1, b'x\\n'); os._exit(0)\n"
    "assert os.read(f, 9) == b'x\\r\\n'; os.wait(); os.openpty()",
    "programs": "subprocess.run(['/bin/sh', '-c', 'exit 0'], check=True)",
}


@pytest.mark.parametrize("name", WORKS)
def test_what_suites_need_works(tree: Path, user: User, name: str) -> None:
    code = "import os, socket, subprocess, threading, time\n" + WORKS[name] + "\nprint('ok')"
    done = run(tree, code, user=user)
    assert done.stdout == "ok\n", done.stderr


def test_a_daemon_dies_with_the_run(tree: Path, user: User) -> None:
    mark = f"winnow-daemon-{os.getpid()}"
    daemon = f"os.setsid(); os.execv('/bin/sh', ['{mark}', '-c', 'sleep 100'])"
    code = f"import os, time\nif os.fork() == 0:\n    {daemon}\ntime.sleep(0.3)"
    assert run(tree, code, user=user).returncode == 0
    assert not processes_with(mark)


def test_exit_codes_come_through(tree: Path, user: User) -> None:
    assert run(tree, "raise SystemExit(7)", user=user).returncode == 7
    assert run(tree, "import os; os.kill(os.getpid(), 9)", user=user).returncode == 128 + 9


def test_processor_time_is_limited(tree: Path, user: User) -> None:
    limits = SandboxLimits(cpu_seconds=1)
    done = run(tree, "while True: pass", user=user, limits=limits)
    assert done.returncode in (128 + 24, 128 + 9)


FORKS = "import os, time\nfor n in range(999):\n    if os.fork() == 0: time.sleep(60)"


def test_an_ordinary_user_cannot_fork_without_end(tree: Path) -> None:
    done = run(tree, FORKS, user=USERS["ordinary-user"](), limits=SandboxLimits(processes=40))
    assert done.returncode == 1
    assert "BlockingIOError" in done.stderr
