"""A pytest plugin that says what happened, one line of JSON per event, and decides nothing.

It runs beside the code that is judged, under any Python from 3.9 on, with pytest and the standard library only. Every line
carries the run's nonce; what it means is worked out by the process outside (`observations.py`).
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import threading
import time
from typing import Any

import pytest

_MESSAGE_CHARS, _MOST_FRAMES = 2_000, 40


class TestTimeout(BaseException):
    """Raised in a test that runs longer than it may; not an Exception, so that the judged code does not swallow it."""


class Observer:
    """Sends outcomes of tests. `options` is a dict; see `Request` in `runner.py` for its entries."""

    def __init__(self, options: Any, channel: Any) -> None:
        self.options, self.channel = options, channel
        # Said before anything of the tree is imported: a run that ends from here on was not ended by the sandbox.
        self.send("begin")

    def send(self, kind: Any, *payload: Any) -> Any:
        line = json.dumps([self.options["nonce"], kind, *payload]) + "\n"
        self.channel.sendall(line.encode("utf-8", "backslashreplace"))

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: Any) -> Any:
        """Tests, and files of tests, that are asked for first run first; the others keep their order."""
        place = {test: i for i, test in enumerate(self.options["first"])}

        def rank(item: Any) -> Any:
            file = item.nodeid.partition("::")[0]
            return place.get(item.nodeid, place.get(file, len(place)))

        items.sort(key=rank)

    def pytest_collection_finish(self, session: Any) -> Any:
        self.send("collected", len(session.items))
        if self.options["modules"]:
            self.send("places", [[item.nodeid, *item.location[:2]] for item in session.items])

    def pytest_collectreport(self, report: Any) -> Any:
        if report.failed:
            self.send("collect_error", report.nodeid, str(report.longrepr)[-_MESSAGE_CHARS:])

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_setup(self, item: Any) -> Any:
        with _Alarm(self.options["test_seconds"]):
            yield

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: Any) -> Any:
        with _Alarm(self.options["test_seconds"]):
            yield

    @pytest.hookimpl(hookwrapper=True, trylast=True)
    def pytest_runtest_makereport(self, item: Any, call: Any) -> Any:
        outcome = yield
        if call.excinfo is not None and not outcome.excinfo:
            outcome.get_result().winnow_error = _error(call.excinfo, str(item.config.rootpath))

    def pytest_runtest_logreport(self, report: Any) -> Any:
        error = getattr(report, "winnow_error", None) if report.failed else None
        expected_failure = hasattr(report, "wasxfail")
        self.send(
            "report",
            report.nodeid,
            report.when,
            report.outcome,
            expected_failure,
            report.duration,
            error,
        )

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logfinish(self, nodeid: Any) -> Any:
        self.send("finished", nodeid)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: Any, exitstatus: Any) -> Any:
        if self.options["modules"]:
            self.send("modules", _modules())
        self.send("end", int(exitstatus))
        if self.options["quit"]:
            os._exit(int(exitstatus))  # what is left is a summary that nobody reads


class _Trace:
    """Says after each test which lines ran, and ends the session when that has taken long enough."""

    def __init__(self, options: Any, send: Any) -> None:
        self.tracer, self.send = _Tracer(options), send
        self.deadline = time.monotonic() + options["seconds"]

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_protocol(self, item: Any, nextitem: Any) -> Any:
        self.tracer.start()
        yield
        self.send("trace", item.nodeid, self.tracer.stop())
        if time.monotonic() > self.deadline:
            item.session.shouldfail = "enough is traced"


class _StopAtFailure:
    """Ends the session at the first failure of a test that has to pass, but not before `finish` have run."""

    def __init__(self, may_fail: Any, finish: Any) -> None:
        self.may_fail, self.finish, self.failed = set(may_fail), set(finish), False

    def pytest_runtest_logreport(self, report: Any) -> Any:
        if report.failed and report.nodeid not in self.may_fail:
            self.failed = True

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: Any, nextitem: Any) -> Any:
        if self.failed and item.nodeid not in self.finish:
            # Not `shouldstop`: pytest writes down the whole stack of an interrupted session.
            item.session.shouldfail = "a test failed that has to pass"
            return True
        return None


class _Alarm:
    """Raises TestTimeout in the main thread after some seconds, where signals are to be had.

    A timer that runs already, of a plugin, goes on: ours waits for it to ring first, or hands back what is left of it.
    """

    def __init__(self, seconds: Any) -> None:
        usable = seconds and hasattr(signal, "setitimer")
        self.seconds = (
            seconds if usable and threading.current_thread() is threading.main_thread() else 0
        )

    def __enter__(self) -> Any:
        self.other = signal.getitimer(signal.ITIMER_REAL) if self.seconds else (0.0, 0.0)
        if 0 < self.other[0] <= self.seconds:
            self.seconds = 0
        if self.seconds:
            self.started = time.monotonic()
            self.before = signal.signal(signal.SIGALRM, self._ring)
            signal.setitimer(signal.ITIMER_REAL, self.seconds)

    def __exit__(self, *_: Any) -> Any:
        if self.seconds:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, self.before)
            if self.other[0]:
                left = self.other[0] - (time.monotonic() - self.started)
                signal.setitimer(signal.ITIMER_REAL, max(left, 0.001), self.other[1])

    def _ring(self, *_: Any) -> Any:
        raise TestTimeout(f"longer than {self.seconds:g} s")


class _Tracer:
    """Which lines of which files of the tree run, test files left out."""

    def __init__(self, options: Any) -> None:
        self.root, self.skip = os.getcwd() + "/", set(options["skip"])
        self.lines: dict[str, set[int]] = {}
        self.wanted: dict[str, str] = {}

    def start(self) -> Any:
        self.lines = {}
        threading.settrace(self._call)
        sys.settrace(self._call)

    def stop(self) -> Any:
        sys.settrace(None)
        threading.settrace(None)
        return {path: sorted(lines) for path, lines in self.lines.items()}

    def _call(self, frame: Any, event: Any, argument: Any) -> Any:
        file = frame.f_code.co_filename
        path = self.wanted.get(file)
        if path is None:
            path = file[len(self.root) :] if file.startswith(self.root) else ""
            path = self.wanted[file] = "" if path in self.skip or "site-packages" in path else path
        if not path:
            return None
        add = self.lines.setdefault(path, set()).add
        add(frame.f_lineno)

        def line(frame: Any, event: Any, argument: Any) -> Any:
            if event == "line":
                add(frame.f_lineno)
            return line

        return line


def plugins(options: Any, channel: Any) -> Any:
    """The plugins of one run."""
    observer = Observer(options, channel)
    stop = [_StopAtFailure(options["may_fail"], options["finish"])] if options["stop"] else []
    trace = [_Trace(options["trace"], observer.send)] if options["trace"] else []
    return [observer, *stop, *trace]


def _error(excinfo: Any, root: Any) -> Any:
    frames = []
    for entry in excinfo.traceback:
        path = os.path.relpath(str(entry.path), root) if str(entry.path).startswith(root) else ""
        if path:
            frames.append([path, entry.lineno + 1, entry.name])
    try:
        message = str(excinfo.value)
    except Exception:  # the judged code's own __str__ may break
        message = "(its text cannot be had)"
    return [excinfo.typename, message[:_MESSAGE_CHARS], frames[-_MOST_FRAMES:]]


def _modules() -> Any:
    found = [
        (name, getattr(module, "__file__", None)) for name, module in list(sys.modules.items())
    ]
    return [[name, file] for name, file in found if isinstance(file, str)]


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: Any) -> Any:
    """Where the plugin is loaded by name (`-p winnow_observer`), the channel's number is in the environment."""
    number = os.environ.pop("WINNOW_CHANNEL", None)
    if number is None:
        return
    channel = socket.socket(fileno=int(number))
    os.set_inheritable(channel.fileno(), False)
    with channel.makefile("r", encoding="utf-8") as lines:
        options = json.loads(lines.readline())
    for plugin in plugins(options, channel):
        early_config.pluginmanager.register(plugin)
