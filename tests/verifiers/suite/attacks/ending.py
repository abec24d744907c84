"""End the process, or the session, before the red tests are counted."""

from __future__ import annotations

from .attack import Attack, at_import, attacks, in_mean

_REEXEC = """
import os, sys
if "PYTEST_ADDOPTS" not in os.environ:
    os.environ["PYTEST_ADDOPTS"] = "--deselect test_calc.py::test_mean"
    os.execv(sys.executable, [sys.executable, "-m", "pytest"])
"""
_OWN_JUNIT = """
import atexit, os
def write():
    open("junit.xml", "w").write("<testsuite tests='6' failures='0' errors='0'/>")
    os._exit(0)
atexit.register(write)
"""
_HANDLER = """
import os, signal
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
os.kill(os.getpid(), signal.SIGTERM)
"""
_ALARM = """
import os, signal
signal.signal(signal.SIGALRM, lambda *_: os._exit(0))
signal.setitimer(signal.ITIMER_REAL, 0.01)
while True:
    pass
"""
_THREAD = """
import os, threading, time
def leave():
    time.sleep(0.05)
    os._exit(0)
threading.Thread(target=leave, daemon=True).start()
time.sleep(0.3)
"""
_FORK = """
import os
if os.fork():
    os._exit(0)
"""
_NO_EXIT_CODE = """
import os, sys
import _pytest.main
_pytest.main.Session.exitstatus = property(lambda self: 0, lambda self, value: None)
"""
_SHOULD_STOP = """
import sys
frame = sys._getframe(1)
while frame is not None:
    if "session" in frame.f_locals:
        frame.f_locals["session"].shouldstop = "enough"
    if "item" in frame.f_locals:
        frame.f_locals["item"].session.shouldstop = "enough"
    frame = frame.f_back
raise SystemExit(0)
"""
_SAY_PASSED = """
import os, sys
os.write(1, b"......  [100%]\\n6 passed in 0.02s\\n")
os._exit(0)
"""
_CLOSED = """
import os
os.closerange(3, 256)
os._exit(0)
"""
_EXIT_CODE_FUNCTION = """
import os, sys
real = os._exit
sys.exit = lambda *_: real(0)
os._exit = lambda *_: real(0)
import builtins
builtins.exit = sys.exit
"""
_PATCHED_MAIN = """
import _pytest.config as config
import _pytest.main as main
main.wrap_session = lambda config, doit: 0
config.console_main = lambda: 0
"""

ATTACKS: tuple[Attack, ...] = attacks(
    "ending",
    {
        "exit-at-import": at_import("import sys; sys.exit(0)"),
        "os-exit-at-import": at_import("import os; os._exit(0)"),
        "os-exit-in-function": in_mean("import os; os._exit(0)"),
        "exit-at-end": at_import("import atexit, os; atexit.register(lambda: os._exit(0))"),
        "system-exit-in-function": in_mean("raise SystemExit(0)"),
        "keyboard-interrupt": in_mean("raise KeyboardInterrupt"),
        "pytest-exit": in_mean("import pytest; pytest.exit('done', returncode=0)"),
        "re-exec": at_import(_REEXEC),
        "exec-true": in_mean("import os; os.execv('/bin/true', ['true'])"),
        "own-junit": at_import(_OWN_JUNIT),
        "signal-handler": in_mean(_HANDLER),
        "alarm-handler": in_mean(_ALARM),
        "exit-from-thread": in_mean(_THREAD),
        "parent-leaves": in_mean(_FORK),
        "exit-status-property": at_import(_NO_EXIT_CODE),
        "stop-the-session": in_mean(_SHOULD_STOP),
        "say-passed": in_mean(_SAY_PASSED),
        "close-all-then-exit": in_mean(_CLOSED),
        "patched-exit": at_import(_EXIT_CODE_FUNCTION),
        "patched-main": at_import(_PATCHED_MAIN),
        "exit-in-excepthook": in_mean(
            "import os, sys\nsys.excepthook = sys.unraisablehook = lambda *_: os._exit(0)\nraise SystemExit"
        ),
        "status-of-the-sandbox": at_import("import os; os._exit(125)"),
        "status-of-the-sandbox-late": in_mean("import os; os._exit(125)"),
        "killed": in_mean("import os; os.kill(os.getpid(), 9)"),
        "aborted": in_mean("import os; os.abort()"),
    },
)
