"""Which tests a change can touch: the files that a test file imports, as Python itself imports them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from verifiers import take_snapshot
from verifiers.suite.base.imports import ImportedFiles

from .projects import write_project

ORDER = (
    "test_it.py", "alone.py", "space/five.py", "pkg/sub/four.py", "pkg/sub/three.py", "pkg/one.py", "pkg/two.py",
    "pkg/sub/__init__.py", "pkg/__init__.py",
)  # fmt: skip
"""Each may import those behind it: circles may fail in Python."""
MODULES = ORDER[1:]
_REAL = """
import json, os, runpy, sys
sys.path.insert(0, os.getcwd())
import test_it
files = [os.path.abspath(m.__file__) for m in list(sys.modules.values()) if getattr(m, "__file__", None)]
print(json.dumps([os.path.relpath(f) for f in files if f.startswith(os.getcwd() + os.sep)]))
"""


def _really_imported(root: Path) -> frozenset[str]:
    done = subprocess.run(
        [sys.executable, "-S", "-B", "-c", _REAL],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    return frozenset(json.loads(done.stdout))


def _statement(importer: str, imported: str, style: int) -> str:
    """One of the ways to say that `importer` imports `imported`."""
    name = imported.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    package, _, last = name.rpartition(".")
    ways = [f"import {name}", f"import {name} as other", f"from {name} import __name__ as n"]
    if package:
        ways.append(f"from {package} import {last}")
    if imported == "pkg/sub/three.py" and importer == "pkg/sub/four.py":
        ways += ["from .three import __name__ as n", "from . import three"]
    if imported == "pkg/one.py" and importer.startswith("pkg/sub/"):
        ways += ["from ..one import __name__ as n", "from .. import one"]
    if imported == "pkg/sub/four.py" and importer in ("pkg/one.py", "pkg/__init__.py"):
        ways += ["from .sub.four import __name__ as n", "from .sub import four"]
    return ways[style % len(ways)]


_EDGES = st.lists(
    st.tuples(st.sampled_from(ORDER), st.sampled_from(MODULES), st.integers(0, 60)),
    max_size=9,
)


@settings(max_examples=20)
@given(_EDGES)
def test_they_are_those_that_python_imports(edges: list[tuple[str, str, int]]) -> None:
    texts = dict.fromkeys(ORDER, "")
    for importer, imported, style in edges:
        if ORDER.index(importer) < ORDER.index(imported):
            texts[importer] += _statement(importer, imported, style) + "\n"
    with tempfile.TemporaryDirectory() as folder:
        root = write_project(Path(folder).resolve(), texts)
        found = ImportedFiles(take_snapshot(root), ["test_it.py"])
        assert found["test_it.py"] == _really_imported(root)


@pytest.mark.parametrize(
    ("path", "text", "wanted"),
    [
        ("tests/test_a.py", "import shop.price\n", {"src/shop/__init__.py", "src/shop/price.py"}),
        ("tests/test_a.py", "import other\n", set()),
        ("tests/test_a.py", "from shop import *\n", {"src/shop/__init__.py"}),
        ("tests/test_a.py", "from . import near\n", {"tests/near.py"}),
        ("tests/test_a.py", "import near\n", {"tests/near.py"}),
        ("tests/test_a.py", "from ... import near\n", set()),
        (
            "tests/test_a.py",
            "from unittest import mock\nmock.patch('shop.price.total')\n",
            {"src/shop/__init__.py", "src/shop/price.py"},
        ),
        (
            "tests/test_a.py",
            "def test_x():\n    import sys, subprocess\n    subprocess.run([sys.executable, '-m', 'shop'])\n",
            {"src/shop/__init__.py", "src/shop/__main__.py", "src/shop/price.py"},
        ),
    ],
    ids=["src", "unknown", "star", "relative", "beside", "too-far", "patch", "process"],
)
def test_ways_to_name_a_module(tmp_path: Path, path: str, text: str, wanted: set[str]) -> None:
    files = {
        "src/shop/__init__.py": "",
        "src/shop/price.py": "",
        "src/shop/__main__.py": "from shop import price\n",
        "tests/near.py": "",
        "conftest.py": "import helper\n",
        "helper.py": "",
        "tests/conftest.py": "",
        "tests/sub/conftest.py": "import shop.price\n",
    }
    root = write_project(tmp_path, {**files, path: text})
    found = ImportedFiles(take_snapshot(root), [path])[path]
    always = {path, "conftest.py", "helper.py", "tests/conftest.py"}
    assert wanted <= found - always
    assert found - always - wanted <= {"src/shop/__main__.py", "src/shop/price.py"}
    assert wanted or found == always


def test_plugins_are_imported_by_all_and_what_cannot_be_read_imports_everything(
    tmp_path: Path,
) -> None:
    files = {"test_a.py": "", "test_b.py": "def (\n", "guide.txt": ">>> import b\n", "b.py": ""}
    root = write_project(tmp_path, {**files, "plug.py": "import deep\n", "deep.py": ""})
    found = ImportedFiles(take_snapshot(root), ["test_a.py", "test_b.py", "guide.txt"], ["plug.py"])
    assert found["test_a.py"] == {"test_a.py", "plug.py", "deep.py"}
    every = {path for path in os.listdir(root) if path.endswith(".py")}
    assert found["test_b.py"] == every
    assert found["guide.txt"] == every | {"guide.txt"}
