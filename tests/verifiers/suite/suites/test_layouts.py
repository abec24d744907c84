"""Where code and tests lie, and how the one finds the other."""

from __future__ import annotations

import sys
import venv
from pathlib import Path

import pytest

from .project import Project, check, prepared

PLAIN = """\
from calc import double, mean

def test_mean():
    assert mean([1, 2, 3]) == 2

def test_double():
    assert double(4) == 8
"""

SRC = {
    "src/pkg/__init__.py": "from .calc import double, mean\n\n__all__ = ['double', 'mean']\n",
    "src/pkg/__main__.py": "import sys\nfrom . import mean\n\nprint(mean([float(word) for word in sys.argv[1:]]))\n",
    "src/pkg/data/words.txt": "some words\n",
    "src/pkg/words.py": """\
from importlib.resources import files

def words():
    return files("pkg").joinpath("data/words.txt").read_text().split()
""",
    "tests/test_a.py": """\
import os, subprocess, sys
import pytest
from pkg import double, mean
from pkg.words import words

def test_mean():
    assert mean([1, 2, 3]) == 2

def test_double():
    assert double(4) == 8

def test_words():
    assert words() == ["some", "words"]

def run(*words):
    command = [sys.executable, "-m", "pkg", *words]
    return subprocess.run(command, env={**os.environ, **ENVIRONMENT}, capture_output=True, text=True)

def test_module():
    done = run("1", "2", "3")
    assert (done.returncode, done.stdout) == (0, "2.0\\n")

def test_bad_word():
    assert run("x").returncode == 1

@pytest.mark.slow
def test_slow():
    assert False

@pytest.mark.xfail(strict=True)
def test_xfail():
    assert double(1) == 3

@pytest.mark.skipif(sys.platform == "linux", reason="not here")
def test_skipped():
    assert False
""",
}
SRC_SETTINGS = """\
[tool.pytest.ini_options]
pythonpath = "src"
testpaths = ["tests"]
addopts = "-q -ra --tb=short --strict-markers -p no:cacheprovider -m 'not slow'"
markers = ["slow: takes long"]
filterwarnings = ["error"]
asyncio_default_fixture_loop_scope = "function"
"""
SRC_TARGETS = frozenset({"tests/test_a.py::test_mean", "tests/test_a.py::test_module"})
ON_PATH, INSTALLED = 'ENVIRONMENT = {"PYTHONPATH": "src"}\n', "ENVIRONMENT = {}\n"

IN_PACKAGE = {
    "conftest.py": "import pkg, pytest\n\n@pytest.fixture(autouse=True)\ndef number():\n    yield pkg.double(3)\n",
    "pkg/__init__.py": "from .calc import double, mean\n",
    "pkg/tests/__init__.py": "",
    "pkg/tests/values.py": "VALUES = [1, 2, 3]\n",
    "pkg/tests/conftest.py": "import pytest\nfrom pkg import double\n\n@pytest.fixture\ndef eight():\n    return double(4)\n",
    "pkg/tests/test_a.py": """\
from . import values
from ..calc import mean

def test_mean():
    assert mean(values.VALUES) == 2
""",
    "pkg/tests/test_b.py": "def test_both(eight, number):\n    assert (eight, number) == (8, 6)\n",
}

MEAN = frozenset({"tests/test_a.py::test_mean"})
PROJECTS = {
    "src": Project(
        module="src/pkg/calc.py",
        files={
            **SRC,
            "tests/test_a.py": SRC["tests/test_a.py"] + ON_PATH,
            "pyproject.toml": SRC_SETTINGS,
        },
        targets=SRC_TARGETS,
    ),
    "namespace": Project(
        module="space/one/calc.py",
        files={
            "space/two/more.py": "from space.one.calc import mean\n\ndef twice(values):\n    return 2 * mean(values)\n",
            "tests/test_a.py": """\
from space.one.calc import double
from space.two.more import twice

def test_mean():
    assert twice([1, 2, 3]) == 4

def test_double():
    assert double(4) == 8
""",
            "setup.cfg": "[tool:pytest]\naddopts = --import-mode=importlib\npythonpath = .\n",
        },
        targets=MEAN,
    ),
    "in-package": Project(seconds_for_orders=60,
        module="pkg/calc.py", files=IN_PACKAGE, targets=frozenset({"pkg/tests/test_a.py::test_mean"})
    ),
    "append-and-names-of-its-own": Project(
        files={
            "conftest.py": "",
            "below/check_b.py": "def it_imports():\n    import calc\n    assert calc.double(1) == 2\n",
            "tox.ini": "[pytest]\naddopts = --import-mode=append\n"
            "python_files = check_*.py\npython_functions = it_*\npython_classes = Describe*\n",
            "check_a.py": """\
from calc import double, mean

class DescribeMean:
    def it_is_in_the_middle(self):
        assert mean([1, 2, 3]) == 2

def it_doubles():
    assert double(4) == 8
""",
            "setup.py": "raise SystemExit('nobody imports this')\n",
        },
        targets=frozenset({"check_a.py::DescribeMean::it_is_in_the_middle"}),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PROJECTS)
async def test_the_fix_is_confirmed_and_nothing_else(name: str, tmp_path: Path) -> None:
    async with prepared(PROJECTS[name], tmp_path) as bench:
        await check(bench)


async def test_an_editable_install_in_an_environment_elsewhere(tmp_path: Path) -> None:
    root, environment = tmp_path / "project", tmp_path / "environment"
    venv.create(environment, symlinks=True, with_pip=False)
    (packages,) = (environment / "lib").glob("python*/site-packages")
    ours = [path for path in sys.path if path.endswith("site-packages")]
    (packages / "editable.pth").write_text("\n".join([str(root / "src"), *ours]) + "\n")
    files = {**SRC, "tests/test_a.py": SRC["tests/test_a.py"] + INSTALLED}
    files["pyproject.toml"] = SRC_SETTINGS.replace('pythonpath = "src"\n', "")
    project = Project(module="src/pkg/calc.py", files=files, targets=SRC_TARGETS)
    async with prepared(project, root, environment / "bin" / "python") as bench:
        await check(bench)
