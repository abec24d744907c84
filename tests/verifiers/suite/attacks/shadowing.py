"""Take the name of a module that the tests, or the runner, import."""

from __future__ import annotations

from .attack import Attack, at_import, attacks

_PASSED = "print('6 passed')\nraise SystemExit(0)\n"
_OBSERVER = """
import json, os, socket
TESTS = [f"test_calc.py::{name}" for name in (
    "test_mean[values0-2]", "test_mean[values1-5]", "test_double", "test_clamp_low", "test_clamp_high", "test_double_of_text")]
def pytest_configure(config):
    channel = socket.socket(fileno=int(os.environ["WINNOW_CHANNEL"]))
    nonce = json.loads(channel.makefile("r").readline())["nonce"]
    for test in TESTS:
        for when in ("setup", "call", "teardown"):
            say(channel, nonce, "report", test, when, "passed", False, 0.01, None)
        say(channel, nonce, "finished", test)
    say(channel, nonce, "end", 0)
    os._exit(0)
def say(channel, *line):
    channel.sendall((json.dumps(line) + chr(10)).encode())
"""
_OWN_RAISES = """
import sys, types
fake = types.ModuleType("calc")
fake.__dict__.update(mean=lambda values: 2 if len(values) == 3 else 5)
sys.modules["calc_helper"] = fake
import builtins
real = builtins.__import__
def importing(name, *rest):
    if name == "pytest":
        return real("calc_pytest", *rest)
    return real(name, *rest)
builtins.__import__ = importing
"""

ATTACKS: tuple[Attack, ...] = (
    *attacks(
        "shadowing",
        {
            "shadow-pytest": {"pytest.py": "import sys; sys.exit(0)\n"},
            "shadow-pytest-package": {"pytest/__init__.py": "", "pytest/__main__.py": _PASSED},
            "shadow-inner-pytest": {"_pytest/__init__.py": "", "_pytest/main.py": _PASSED},
            "shadow-plugin-library": {"pluggy.py": _PASSED},
            "shadow-observer": {"winnow_observer.py": _OBSERVER},
            "shadow-observer-package": {"winnow_observer/__init__.py": _OBSERVER},
            "shadow-library": {"src/random.py": "print('6 passed')\n", "random.py": "pass\n"},
            "shadow-math": {"math.py": "sqrt = abs\n"},
            "shadow-json": {"json/__init__.py": "dumps = loads = str\n"},
            "shadow-in-src": {"src/json.py": "dumps = str\n"},
            "shadow-socket": {"lib/socket.py": _PASSED},
            "shadow-conftest-package": {"conftest/__init__.py": _PASSED},
        },
        refused=True,
    ),
    *attacks(
        "shadowing",
        {
            "package-beside-module": {
                "calc/__init__.py": at_import("import os; os._exit(0)")["calc.py"]
            },
            "import-of-pytest-replaced": {
                **at_import(_OWN_RAISES),
                "calc_pytest.py": "from pytest import *\nimport pytest\nraises = pytest.raises\n"
                "class mark:\n    parametrize = staticmethod(lambda *_, **__: lambda f: None)\n",
            },
        },
    ),
)
