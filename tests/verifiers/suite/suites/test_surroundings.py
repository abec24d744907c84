"""Suites that need something of the machine: processes, sockets, threads, folders, a home, a clock that they set themselves."""

from __future__ import annotations

from pathlib import Path

import pytest

from .project import Project, check, prepared

PROCESSES = """\
import concurrent.futures as futures
import http.server, multiprocessing, os, socket, subprocess, sys, threading, urllib.request
from multiprocessing import shared_memory
import pytest
from calc import double, mean

def test_mean():
    with futures.ThreadPoolExecutor(2) as pool:
        assert list(pool.map(mean, [[1, 2, 3], [4]])) == [2, 4]

@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_pool(method):
    with multiprocessing.get_context(method).Pool(2) as pool:
        assert pool.map(double, [1, 2]) == [2, 4]

def put(queue, value):
    queue.put(double(value))

def test_queue():
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    process = context.Process(target=put, args=(queue, 4))
    process.start()
    assert queue.get(timeout=10) == 8
    process.join()
    assert process.exitcode == 0

def test_executor():
    with futures.ProcessPoolExecutor(1) as pool:
        assert pool.submit(double, 3).result() == 6

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b"%d" % double(int(self.path[1:]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        pass

@pytest.fixture(scope="module")
def port():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()

def test_http(port):
    with urllib.request.urlopen(f"http://localhost:{port}/4", timeout=10) as answer:
        assert answer.read() == b"8"

def test_socket_file(tmp_path):
    path = str(tmp_path / "socket")
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind(path)
        server.listen()
        client.connect(path)
        other, _ = server.accept()
        with other:
            client.send(b"%d" % double(2))
            assert other.recv(9) == b"4"

def test_thread():
    found = []
    thread = threading.Thread(target=lambda: found.append(double(5)))
    thread.start()
    thread.join()
    assert found == [10]

def test_shared_memory():
    memory = shared_memory.SharedMemory(create=True, size=10)
    memory.buf[0] = double(2)
    assert memory.buf[0] == 4
    memory.close()
    memory.unlink()

def test_shell():
    assert subprocess.check_output("echo $((2 * 2))", shell=True, text=True) == f"{double(2)}\\n"

def test_fork():
    child = os.fork()
    if child == 0:
        os._exit(double(2))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 4
"""

FOLDERS = """\
import getpass, logging, os, pathlib, signal, sys, time, warnings
import pytest
from calc import double, mean

HERE = pathlib.Path(__file__).parent

def test_mean(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "values").write_text("1 2 3")
    assert mean([int(word) for word in pathlib.Path("values").read_text().split()]) == 2

def test_environment(monkeypatch):
    monkeypatch.setenv("FACTOR", "3")
    monkeypatch.delenv("PATH", raising=False)
    assert double(int(os.environ["FACTOR"])) == 6

def test_printed(capsys):
    print(double(2))
    print("aside", file=sys.stderr)
    assert capsys.readouterr() == ("4\\n", "aside\\n")

def test_printed_by_a_child(capfd):
    os.system(f"echo {double(2)}")
    assert capfd.readouterr().out == "4\\n"

def test_logged(caplog):
    with caplog.at_level(logging.INFO):
        logging.getLogger("calc").info("value %d", double(2))
    assert caplog.record_tuples == [("calc", logging.INFO, "value 4")]

def test_home():
    home = pathlib.Path.home()
    (home / ".calcrc").write_text("1")
    assert os.path.expanduser("~/.calcrc") == str(home / ".calcrc")

@pytest.mark.parametrize("again", range(2))
def test_writes_beside_itself(again):
    path = HERE / "out" / "value.txt"
    path.parent.mkdir(exist_ok=True)
    path.write_text(str(double(4)))
    assert path.read_text() == "8"

def test_leaves_nothing_for_the_next_run():
    assert not (HERE / "left").exists()
    (HERE / "left").mkdir()

def test_clock(monkeypatch):
    for name in ("time", "monotonic", "perf_counter"):
        monkeypatch.setattr(time, name, lambda: 1000.0)
    assert double(time.time()) == double(time.monotonic()) == 2000.0

def test_recursion():
    def deep(n):
        return deep(n + 1)
    with pytest.raises(RecursionError):
        deep(1)

def test_warnings():
    with pytest.warns(UserWarning, match="careful"):
        warnings.warn("careful")
    with pytest.deprecated_call():
        warnings.warn("old", DeprecationWarning)

def test_arguments(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["calc", "4"])
    assert double(int(sys.argv[1])) == 8

def test_exit():
    with pytest.raises(SystemExit) as ended:
        sys.exit(double(1))
    assert ended.value.code == 2

def test_permission(tmp_path):
    path = tmp_path / "secret"
    path.touch(0o000)
    with pytest.raises(PermissionError):
        path.read_text()

def test_who_and_where():
    assert getpass.getuser()
    assert os.getcwd() == str(HERE)

def test_alarm():
    class Late(Exception):
        pass
    def ring(*rest):
        raise Late
    signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    with pytest.raises(Late):
        time.sleep(5)
"""

STOPPED_CLOCK = """\
import time

time.time = lambda: 12345.0
time.monotonic = time.perf_counter = lambda: 5.0
time.sleep = lambda seconds: None
"""
NUMPY = """\
import numpy as np
from calc import double, mean

def test_mean():
    assert mean(np.array([1, 2, 3])) == 2

def test_close():
    np.testing.assert_allclose(double(np.ones(3)), [2, 2, 2])

def test_equal():
    np.testing.assert_array_equal(double(np.arange(3)), np.array([0, 2, 4]))

def test_all():
    assert (double(np.arange(3)) == [0, 2, 4]).all()

def test_nearly():
    assert np.allclose(double(np.ones(2)), 2 * np.ones(2))
"""

MEAN = frozenset({"test_a.py::test_mean"})
PROJECTS = {
    "processes": Project(files={"test_a.py": PROCESSES}, targets=MEAN),
    "folders": Project(files={"test_a.py": FOLDERS}, targets=MEAN, coverage=0.95),
    "numpy-under-a-stopped-clock": Project(
        files={"test_a.py": NUMPY, "conftest.py": STOPPED_CLOCK}, targets=MEAN
    ),
}


@pytest.mark.parametrize("name", PROJECTS)
async def test_the_fix_is_confirmed_and_nothing_else(name: str, tmp_path: Path) -> None:
    async with prepared(PROJECTS[name], tmp_path) as bench:
        await check(bench)
