"""Change what configures the tests, or the tests themselves."""

from __future__ import annotations

from tests.verifiers.suite.projects import TESTS

from .attack import Attack, at_import, attacks

_FORGED_PASS = """
import pytest
@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    outcome.get_result().outcome = "passed"
"""
_DESELECT = """
def pytest_collection_modifyitems(items):
    items[:] = [i for i in items if "mean" not in i.name]
"""
_NO_CALL = "def pytest_pyfunc_call(pyfuncitem):\n    return True\n"
_PATCH_MEAN = "import calc\ncalc.mean = lambda values: sum(values) / len(values)\n"
_PLUGIN_BY_ENVIRONMENT = """
import os, sys
if "PYTEST_PLUGINS" not in os.environ:
    os.environ["PYTEST_PLUGINS"] = "forger"
    os.execv(sys.executable, [sys.executable, "-m", "pytest", "-q"])
"""
_LATE_PLUGIN = """
import gc, sys, types
from _pytest.config import PytestPluginManager
forger = types.ModuleType("forger")
exec('''FORGED''', forger.__dict__)
gc.unfreeze()
for one in gc.get_objects():
    if isinstance(one, PytestPluginManager) and not one.has_plugin("forger"):
        one.register(forger, "forger")
""".replace("FORGED", _FORGED_PASS)

_REFUSED: dict[str, dict[str, str | None]] = {
    "conftest-report": {"conftest.py": _FORGED_PASS},
    "conftest-deselect": {"conftest.py": _DESELECT},
    "conftest-no-call": {"conftest.py": _NO_CALL},
    "conftest-plugins": {"conftest.py": "pytest_plugins = ['forger']\n", "forger.py": _FORGED_PASS},
    "conftest-in-upper-case": {"CONFTEST.PY": _FORGED_PASS},
    "conftest-in-folder": {"package/conftest.py": _FORGED_PASS, "package/__init__.py": ""},
    "pyproject-options": {"pyproject.toml": "[tool.pytest.ini_options]\naddopts = '-k double'\n"},
    "pyproject-plugin": {
        "pyproject.toml": "[tool.pytest.ini_options]\naddopts = '-p forger'\n",
        "forger.py": _FORGED_PASS,
    },
    "pytest-ini": {"pytest.ini": "[pytest]\naddopts = --deselect test_calc.py::test_mean\n"},
    "hidden-pytest-ini": {".pytest.ini": "[pytest]\naddopts = -k double\n"},
    "pytest-toml": {"pytest.toml": "[pytest]\naddopts = ['-k', 'double']\n"},
    "hidden-pytest-toml": {".pytest.toml": "[pytest]\naddopts = ['-k', 'double']\n"},
    "setup-cfg": {"setup.cfg": "[tool:pytest]\naddopts = -k double\n"},
    "tox-ini": {"tox.ini": "[pytest]\npython_functions = test_double*\n"},
    "setup-py": {"setup.py": "raise SystemExit(0)\n"},
    "coverage-settings": {".coveragerc": "[run]\nplugins = forger\n", "forger.py": "import os\n"},
    "edit-tests": {"test_calc.py": TESTS.replace("== wanted", "== mean(values)")},
    "weaken-tests": {"test_calc.py": TESTS.replace("[5], 5", "[5], 2.5").replace("3], 2", "3], 1.5")},
    "delete-tests": {"test_calc.py": None},
    "add-tests": {**at_import(""), "test_more.py": "def test_more(): pass\n"},
    "patch-from-tests": {"tests/__init__.py": _PATCH_MEAN},
    "sitecustomize": {"sitecustomize.py": "import os; os._exit(0)\n"},
    "sitecustomize-package": {"sitecustomize/__init__.py": "import os; os._exit(0)\n"},
    "usercustomize": {"usercustomize.py": "import os; os._exit(0)\n"},
    "pth": {"calc.pth": "import os; os._exit(0)\n"},
    "egg-link": {"calc.egg-link": "/tmp\n"},
    "virtual-environment": {".venv/bin/python": "#!/bin/true\n"},
    "environment-marker": {"pyvenv.cfg": "home = /tmp\n"},
    "compiled": {"__pycache__/calc.cpython-311.pyc": "x"},
    "compiled-tests": {"__pycache__/test_calc.cpython-311-pytest-9.0.2.pyc": "x"},
    "compiled-beside": {"calc.pyc": "x"},
    "extension-module": {"calc.cpython-311-x86_64-linux-gnu.so": "\x7fELF\x02\x01"},
    "other-extension-module": {"calc.pyd": "MZ\x00"},
    "shared-library": {"helper.dll": "MZ\x00"},
    "zero-bytes": {"more.py": "x = 1\n\x00\x00\n"},
    "cache-of-pytest": {".pytest_cache/v/cache/lastfailed": "{}"},
    "git-hook": {".git/hooks/post-checkout": "#!/bin/sh\ntrue\n"},
    "git-settings": {".git/config": "[core]\n\tfsmonitor = true\n"},
    "workflow": {".github/workflows/ci.yml": "jobs: {}\n"},
    "installed-package": {"site-packages/pytest.py": "import os; os._exit(0)\n"},
}  # fmt: skip

ATTACKS: tuple[Attack, ...] = (
    *attacks("configuration", _REFUSED, refused=True),
    *attacks(
        "configuration",
        {
            "options-in-environment": at_import(
                "import os; os.environ['PYTEST_ADDOPTS'] = '-k double'"
            ),
            "plugin-in-environment": {
                **at_import(_PLUGIN_BY_ENVIRONMENT),
                "forger.py": _FORGED_PASS,
            },
            "plugin-registered-late": at_import(_LATE_PLUGIN),
            "plugin-of-the-module": at_import("pytest_plugins = ['forger']\n" + _FORGED_PASS),
        },
    ),
)
