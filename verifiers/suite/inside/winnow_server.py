"""`python winnow_server.py CONTROL REPORT OUTPUT`: imports once, then forks for every run of the tests.

It runs inside the sandbox with the interpreter of the judged project, and imports third-party modules only: the project's own
are imported by the children, each of which enters namespaces of its own. It judges nothing and never reads what a child says.
"""

from __future__ import annotations

import base64
import gc
import importlib
import importlib.util
import json
import os
import random
import select
import shutil
import signal
import socket
import sys
import tempfile
import time
import warnings
from typing import Any

_HERE = os.path.dirname(os.path.abspath(__file__))
_SETUP_FAILED = 125


def main() -> Any:
    """Serve until the control channel closes."""
    control, report, output = (socket.socket(fileno=int(number)) for number in sys.argv[1:4])
    requests = control.makefile("r", encoding="utf-8")
    settings = json.loads(requests.readline())
    sys.path[:] = [path for path in sys.path if os.path.abspath(path or ".") != _HERE]
    kernel = _load("kernel", settings["kernel"])
    landlock = _load("landlock", os.path.join(os.path.dirname(settings["kernel"]), "landlock.py"))
    kernel.die_with_parent()
    kernel.adopt_orphans()
    observer = _load("winnow_observer", os.path.join(_HERE, "winnow_observer.py"))
    skipped = _preload(settings["preload"])
    gc.collect()
    gc.freeze()
    _answer(
        control, {"ready": True, "threads": len(os.listdir("/proc/self/task")), "skipped": skipped}
    )
    while True:
        line = requests.readline()
        if not line:
            return
        request = json.loads(line)
        if "run" in request:
            _serve(
                request["run"],
                settings,
                kernel,
                landlock,
                observer,
                (control, report, output, requests),
            )


def _serve(
    request: Any, settings: Any, kernel: Any, landlock: Any, observer: Any, channels: Any
) -> Any:
    control, report, output, requests = channels
    started, place = time.monotonic(), settings["nested"]["tree"] if settings["nested"] else None
    place = place or tempfile.mkdtemp(dir=os.path.dirname(settings["tree"]))
    child = os.fork()
    if child == 0:
        _close_all_but(report.fileno(), output.fileno())
        _enter(request, settings, place, kernel, landlock, observer, report, output)
    killed = False
    waiting = os.pidfd_open(child)
    while select.select([waiting, control], [], [])[0][0] != waiting:
        killed = True  # whatever comes while a child runs, a word or the end of the channel, means: stop it
        os.kill(child, signal.SIGKILL)
        if not requests.readline():
            break
    status, usage = os.wait4(child, 0)[1:]
    os.close(waiting)
    _end_orphans()
    if not settings["nested"]:
        shutil.rmtree(place, ignore_errors=True)
    _answer(
        control,
        {
            "status": 128 + os.WTERMSIG(status)
            if os.WIFSIGNALED(status)
            else os.WEXITSTATUS(status),
            "killed": killed,
            "seconds": time.monotonic() - started,
            "cpu_seconds": usage.ru_utime + usage.ru_stime,
        },
    )


def _enter(
    request: Any,
    settings: Any,
    place: Any,
    kernel: Any,
    landlock: Any,
    observer: Any,
    report: Any,
    output: Any,
) -> Any:
    try:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
        os.close(output.fileno())
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        if settings["nested"]:
            _enter_namespaces(settings["nested"], kernel)
        else:
            os.setsid()
            os.rmdir(place)
            shutil.copytree(settings["tree"], place, symlinks=True)
        _write_files(place, request["files"])
        runner = os.fork()
        if runner == 0:
            _run(request, settings, place, kernel, landlock, observer, report)
    except OSError as error:
        os.write(2, f"sandbox: {error.strerror or error}\n".encode())
        os._exit(_SETUP_FAILED)
    report.close()
    kernel.exit_like(kernel.reap_until(runner))


def _enter_namespaces(nested: Any, kernel: Any) -> Any:
    kernel.unshare(kernel.NEWUSER | kernel.NEWNS | kernel.NEWPID | kernel.NEWIPC | kernel.NEWNET)
    kernel.die_with_parent()
    ready, go = os.pipe()
    first = os.fork()
    if first:
        os.close(ready)
        os.write(go, b"!")
        kernel.exit_like(os.waitpid(first, 0)[1])
    os.close(go)
    kernel.die_with_parent()
    if os.read(ready, 1) != b"!":
        os._exit(_SETUP_FAILED)
    os.close(ready)
    kernel.make_private()
    kernel.mount_proc("/proc")
    kernel.fresh_temporary(nested["disk_bytes"], nested["keep_in_temporary"])
    kernel.make_writable(
        nested["tree"], nested["scratch"], nested["disk_bytes"], nested["keep_in_tree"]
    )


def _write_files(place: Any, files: Any) -> Any:
    for path, content in files.items():
        target = os.path.join(place, path)
        before = os.stat(target).st_mtime if os.path.exists(target) else time.time()
        if os.path.lexists(target):
            os.unlink(target)
        if content is not None:
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with open(target, "wb") as file:
                file.write(base64.b64decode(content))
            # A compiled file is taken for fresh when second and size agree: they must not.
            os.utime(target, (before + 10, before + 10))


def _run(
    request: Any,
    settings: Any,
    place: Any,
    kernel: Any,
    landlock: Any,
    observer: Any,
    report: Any,
) -> Any:
    if settings["nested"]:
        os.setsid()
        kernel.die_first()
    limits = dict(settings["limits"], cpu_seconds=request["cpu_seconds"])
    kernel.set_limits(**limits)
    if settings["nested"]:
        kernel.drop_capabilities()
        landlock.confine([place, "/tmp", "/dev/shm"])
        kernel.forbid_system_calls()
    os.chdir(place)
    sys.path.insert(0, place)
    sys.argv = ["pytest", *request["arguments"]]
    random.seed(0)
    import pytest

    status = pytest.main(request["arguments"], plugins=observer.plugins(request["options"], report))
    sys.stdout.flush()
    os._exit(int(status))


def _preload(names: Any) -> Any:
    skipped = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in names:
            try:
                importlib.import_module(name)
            except BaseException:  # a module that cannot be imported alone is left to the tests
                skipped.append(name)
    return skipped


def _close_all_but(*kept: int) -> None:
    """Nothing that the server talks through may be within reach of the judged code."""
    first = 3
    for number in sorted(kept):
        os.closerange(first, number)
        first = number + 1
    os.closerange(first, 4096)


def _end_orphans() -> None:
    """Kill what outlived the run; the first process of a namespace is gone only when all others in it are."""
    while True:
        with open(f"/proc/self/task/{os.getpid()}/children") as file:
            for pid in file.read().split():
                os.kill(int(pid), signal.SIGKILL)
        try:
            os.wait()
        except ChildProcessError:
            return


def _load(name: Any, path: Any) -> Any:
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _answer(control: Any, answer: Any) -> Any:
    control.sendall((json.dumps(answer) + "\n").encode())


if __name__ == "__main__":
    main()
