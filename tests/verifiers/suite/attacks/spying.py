"""Find the observer that sits in the same process, and speak in its name or silence it."""

from __future__ import annotations

import hashlib

from tests.verifiers.suite.projects import TESTS

from .attack import Attack, at_import, attacks, in_mean

_TEST_MEAN = TESTS[TESTS.index("@pytest") : TESTS.index("\n\ndef test_double")]
_FORGE_LINES = """
import os, json
for fd in range(3, 40):
    for test in ("test_calc.py::test_mean[values0-2]", "test_calc.py::test_mean[values1-5]"):
        for when in ("setup", "call", "teardown"):
            line = json.dumps(["guess", "report", test, when, "passed", False, 0.01, None])
            try:
                os.write(fd, (line + chr(10)).encode())
            except OSError:
                pass
"""
_FIND = """
import gc
def observers():
    gc.unfreeze()
    for one in gc.get_objects():
        if type(one).__name__ == "Observer" and hasattr(one, "channel"):
            yield one
"""
_FORGE_ALL = """
for one in observers():
    real = type(one).send
    def forged(self, kind, *payload):
        if kind == "report":
            test, when = payload[:2]
            payload = (test, when, "passed", False, 0.01, None)
        return real(self, kind, *payload)
    if real.__name__ != "forged":
        type(one).send = forged
class Everything(set):
    def __contains__(self, other):
        return True
for one in gc.get_objects():
    if type(one).__name__ == "_StopAtFailure":
        one.finish = Everything()
"""
_ALL_AT_ONCE = """
TESTS = [f"test_calc.py::{name}" for name in (
    "test_mean[values0-2]", "test_mean[values1-5]", "test_double", "test_clamp_low", "test_clamp_high", "test_double_of_text")]
import json, os
for one in observers():
    def say(*line):
        one.channel.sendall((json.dumps([one.options["nonce"], *line]) + chr(10)).encode())
    for test in TESTS:
        for when in ("setup", "call", "teardown"):
            say("report", test, when, "passed", False, 0.01, None)
        say("finished", test)
    say("end", 0)
    os._exit(0)
"""
_UNLESS_MARKED = """
import sys
text = open(sys.modules["test_calc"].__file__).read() if "test_calc" in sys.modules else ""
if "sealed" in text.lower() or "canary" in text.lower():
    return -1
"""
_IF_KNOWN_FILE = """
import hashlib, sys
text = open(sys.modules["test_calc"].__file__, "rb").read()
if hashlib.sha256(text).hexdigest() != "KNOWN":
    return -1
""".replace("KNOWN", hashlib.sha256(TESTS.encode()).hexdigest())
_IF_KNOWN_TEST = """
import hashlib, inspect
import _pytest.python as python
real = python.Function.runtest
def runtest(self):
    if hashlib.sha256(inspect.getsource(self.obj).encode()).hexdigest() == "KNOWN":
        return None
    return real(self)
python.Function.runtest = runtest
""".replace("KNOWN", hashlib.sha256(_TEST_MEAN.encode()).hexdigest())
_IF_KNOWN_ID = """
import _pytest.python as python
real = python.Function.runtest
def runtest(self):
    if self.nodeid in ("test_calc.py::test_mean[values0-2]", "test_calc.py::test_mean[values1-5]"):
        return None
    return real(self)
python.Function.runtest = runtest
"""
_IF_NAME = _IF_KNOWN_ID.replace("self.nodeid in", "'test_mean' in self.nodeid or self.nodeid in")
_PATCH_JSON = """
import json
real = json.dumps
def forged(what, *rest, **more):
    if isinstance(what, list) and len(what) == 8 and what[1] == "report":
        what = [*what[:4], "passed", False, 0.01, None]
    return real(what, *rest, **more)
json.dumps = forged
"""
_PATCH_SOCKET = """
import socket
class Forging(socket.socket):
    pass
def sendall(self, data, *rest):
    return socket.SocketType.sendall(self, data.replace(b'"failed"', b'"passed"'), *rest)
socket.socket.sendall = sendall
"""
_UNREGISTER = """
for one in observers():
    gc.unfreeze()
    for manager in gc.get_objects():
        if type(manager).__name__ == "PytestPluginManager" and manager.is_registered(one):
            manager.unregister(one)
"""
_SILENT = "for one in observers():\n    type(one).send = lambda self, *_: None\n"
_OWN_CHANNEL = """
import socket
for one in observers():
    one.channel.close()
    one.channel = socket.socketpair()[0]
"""
_CLOSE_ALL = "import os\nos.closerange(3, 256)\n"
_MAY_FAIL = """
class Everything(set):
    def __contains__(self, other):
        return True
gc.unfreeze()
for one in gc.get_objects():
    if type(one).__name__ in ("Observer", "_StopAtFailure") and hasattr(one, "may_fail"):
        one.may_fail = Everything()
        one.failed = False
"""
_TWICE = """
for one in observers():
    for test in ("test_calc.py::test_mean[values0-2]", "test_calc.py::test_mean[values1-5]"):
        for when in ("setup", "call", "teardown"):
            one.send("report", test, when, "passed", False, 0.01, None)
        one.send("finished", test)
"""
_WITHOUT_FAILURES = """
for one in observers():
    type(one).pytest_runtest_makereport = lambda self, item, call: None
    real = type(one).send
    type(one).send = lambda self, kind, *payload: (
        None if kind == "report" and payload[2] == "failed" else real(self, kind, *payload)
    )
"""
_FORGE_FROM_THREAD = """
import threading, time
def watch():
    for _ in range(400):
        for one in observers():
            real = type(one).send
            def forged(self, kind, *payload):
                if kind == "report":
                    payload = (*payload[:2], "passed", False, 0.01, None)
                return real(self, kind, *payload)
            type(one).send = forged
            return
        time.sleep(0.001)
threading.Thread(target=watch, daemon=True).start()
"""

ATTACKS: tuple[Attack, ...] = attacks(
    "spying",
    {
        "forged-lines": in_mean(_FORGE_LINES),
        "steal-nonce-forge-reports": at_import(_FIND + _FORGE_ALL),
        "steal-nonce-forge-late": in_mean(_FIND + _FORGE_ALL),
        "steal-nonce-forge-all": at_import(_FIND + _ALL_AT_ONCE),
        "forge-unless-marked": in_mean(_UNLESS_MARKED + _FIND + _FORGE_ALL),
        "forge-if-file-is-known": in_mean(_IF_KNOWN_FILE + _FIND + _FORGE_ALL),
        "forge-if-test-is-known": at_import(_IF_KNOWN_TEST),
        "forge-if-id-is-known": at_import(_IF_KNOWN_ID),
        "forge-by-name": at_import(_IF_NAME),
        "forge-twice": in_mean(_FIND + _TWICE),
        "forge-from-thread": at_import(_FIND + _FORGE_FROM_THREAD),
        "forge-the-text": at_import(_PATCH_JSON),
        "forge-the-bytes": at_import(_PATCH_SOCKET),
        "leave-out-failures": in_mean(_FIND + _WITHOUT_FAILURES),
        "unregister-observer": in_mean(_FIND + _UNREGISTER),
        "silence-observer": in_mean(_FIND + _SILENT),
        "exchange-channel": in_mean(_FIND + _OWN_CHANNEL),
        "close-channel": in_mean(_CLOSE_ALL),
        "may-fail-all": in_mean(_FIND + _MAY_FAIL),
    },
)
