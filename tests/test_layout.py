"""What every package promises about itself: its names, its imports, its wheel, its version."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
import time
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("agent", "engine", "verifiers")
EXPORTING = sorted(
    str(path.parent.relative_to(ROOT)).replace("/", ".")
    for package in PACKAGES
    for path in (ROOT / package).rglob("__init__.py")
)


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("package", EXPORTING)
def test_exports_are_sorted_and_real(package: str) -> None:
    module = importlib.import_module(package)
    lists = _exports(ROOT / package.replace(".", "/") / "__init__.py")
    names = [name for aliases in lists for name in aliases]
    stated = list(getattr(module, "__all__", names))
    assert all(hasattr(module, name) for name in stated)
    assert len(stated) == len(set(stated))
    assert not names or set(names) == set(stated), "type checkers and Python see the same names"
    for aliases in lists:
        assert aliases == sorted(aliases, key=_case_order)


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_imports_nothing_but_itself_in_its_init(package: str) -> None:
    tree = ast.parse((ROOT / package / "__init__.py").read_text(encoding="utf-8"))
    allowed = (ast.ImportFrom, ast.Expr, ast.FunctionDef, ast.If, ast.Assign, ast.Import)
    assert all(isinstance(statement, allowed) for statement in tree.body)


def test_imports_leave_torch_alone() -> None:
    done = run("-c", f"import sys, {', '.join(PACKAGES)}; print('torch' in sys.modules)")
    assert done.stdout.strip() == "False", done.stderr


def test_help_works_and_loads_no_model() -> None:
    started = time.perf_counter()
    done = run("-m", "agent", "--help")
    seconds = time.perf_counter() - started
    assert done.returncode == 0, done.stderr
    assert all(command in done.stdout for command in ("fix", "verify", "show"))
    # A loaded machine is slow; the figure of an idle one is the benchmark's business.
    assert seconds < 10


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("dist")
    done = run("-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder))
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = folder.glob("*.whl")
    return zipfile.ZipFile(path)


def test_wheel_holds_the_three_packages_and_no_more(wheel: zipfile.ZipFile) -> None:
    tops = {name.partition("/")[0] for name in wheel.namelist()}
    packages = {top for top in tops if not top.endswith(".dist-info")}
    assert packages == set(PACKAGES)
    assert not [name for name in wheel.namelist() if "test" in Path(name).parts]


def test_wheel_is_typed_and_complete(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    assert {f"{package}/py.typed" for package in PACKAGES} <= names
    sources = {
        str(path.relative_to(ROOT)).replace("\\", "/")
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
    }
    assert sources <= names


def test_wheel_carries_the_model(wheel: zipfile.ZipFile) -> None:
    files = ("model.safetensors", "tokenizer.json", "ranking.json", "manifest.json")
    assert {f"engine/weights/{name}" for name in files} <= set(wheel.namelist())


def test_wheel_carries_the_licence(wheel: zipfile.ZipFile) -> None:
    assert any(name.endswith("/LICENSE") for name in wheel.namelist())


def test_changelog_names_the_version_of_the_build_file() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.search(r"^## \[(\d[^\]]*)\] - \d{4}-\d{2}-\d{2}$", changelog, re.MULTILINE)
    assert newest is not None
    assert newest[1] == project["version"]


def test_readme_names_the_two_commands() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert re.search(r"^ *make demo\b", readme, re.MULTILINE)
    assert re.search(r"^ *make test\b", readme, re.MULTILINE)


def _exports(path: Path) -> list[list[str]]:
    """Names of every `from .x import (X as X, …)`, one list a statement.

    A package without `__all__` spells all of them like that, those under TYPE_CHECKING included.
    """
    source = path.read_text(encoding="utf-8")
    body = ast.parse(source).body
    body += [inner for node in body if isinstance(node, ast.If) for inner in node.body]
    imports = [node for node in body if isinstance(node, ast.ImportFrom) and node.level]
    lists = [[one.name for one in node.names if one.asname == one.name] for node in imports]
    if "__all__" not in source:
        assert all(
            len(names) == len(node.names) for names, node in zip(lists, imports, strict=True)
        )
    return [names for names in lists if names]


def _case_order(name: str) -> tuple[int, str]:
    """Constants, classes, functions: the order that the formatter keeps."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2, name)
