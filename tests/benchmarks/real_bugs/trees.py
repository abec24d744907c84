"""Work trees of a case: the parent with the fix's tests on top, the fix, and later tests."""

from __future__ import annotations

import configparser
import os
import shlex
import shutil
import subprocess
import tempfile
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from .cases import Fix
from .history import Repository, is_test_path

_CARRIED = (
    "python_files",
    "python_classes",
    "python_functions",
    "asyncio_mode",
    "markers",
    "usefixtures",
)
"""Options that decide what is collected; those that need plugins or forbid warnings stay behind."""


def build_before(repository: Repository, fix: Fix, tree: Path) -> None:
    """Make `tree` anew: the parent of the fix, with the test files of the fix."""
    shutil.rmtree(tree, ignore_errors=True)
    tree.mkdir(parents=True)
    _check_out(repository, fix.parent, tree)
    changed = repository.git(
        "diff", "--name-only", "--no-renames", fix.parent, fix.commit
    ).splitlines()
    _overlay(repository, fix.commit, [path for path in changed if is_test_path(path)], tree)


def apply_fix(repository: Repository, fix: Fix, tree: Path) -> None:
    """Put the fix's version of its source file into the tree."""
    _overlay(repository, fix.commit, [fix.path], tree)


def undo_fix(repository: Repository, fix: Fix, tree: Path) -> None:
    """Put the parent's version of its source file into the tree."""
    _overlay(repository, fix.parent, [fix.path], tree)


def put_later_tests(repository: Repository, commit: str, tree: Path) -> None:
    """Replace the tests of a tree by those of a later commit."""
    for path in tree.rglob("*"):
        if path.is_file() and is_test_path(path.relative_to(tree).as_posix()):
            path.unlink()
    listed = repository.git("ls-tree", "-r", "--name-only", commit).splitlines()
    _check_out(repository, commit, tree, [path for path in listed if is_test_path(path)])


def find_suite(tree: Path) -> tuple[str, ...]:
    """What pytest is to collect: the project's `testpaths`, else its test folders, else test files."""
    own = [
        path
        for path in shlex.split(read_options(tree).get("testpaths", ""))
        if (tree / path).exists()
    ]
    if own:
        return tuple(own)
    folders = sorted(
        (p for p in tree.rglob("test*") if p.is_dir() and any(p.rglob("*test*.py"))), key=_depth
    )
    outermost = [p for p in folders if not any(other in p.parents for other in folders)]
    found = [p for p in outermost if p.name in {"test", "tests", "testsuite"}]
    return tuple(p.relative_to(tree).as_posix() for p in found or sorted(tree.glob("test*.py")))


def configure(tree: Path, suite: Sequence[str]) -> None:
    """Write a `pytest.ini`, which pytest prefers: these paths, and the project's rules of collection."""
    options = read_options(tree)
    lines = ["[pytest]", "testpaths =", *(f"    {path}" for path in suite), "pythonpath ="]
    lines += [f"    {path}" for path in (".", "src", "lib") if (tree / path).is_dir()]
    for key in _CARRIED:
        if options.get(key):
            lines += [
                f"{key} =",
                *(f"    {line}" for line in options[key].splitlines() if line.strip()),
            ]
    modes = [
        option
        for option in shlex.split(options.get("addopts", ""))
        if option.startswith("--import-mode")
    ]
    lines.append(" ".join(["addopts = -p no:cacheprovider", *modes]))
    (tree / "pytest.ini").write_text("\n".join(lines) + "\n")


def read_options(tree: Path) -> Mapping[str, str]:
    """The project's options of pytest, from the first file that has any; lists as one value a line."""
    for name, section in (
        ("pytest.ini", "pytest"),
        ("tox.ini", "pytest"),
        ("setup.cfg", "tool:pytest"),
    ):
        parser = configparser.RawConfigParser(strict=False)
        try:
            parser.read(tree / name)
        except (configparser.Error, UnicodeDecodeError):
            continue
        if parser.has_section(section):
            return dict(parser.items(section))
    return _toml_options(tree / "pyproject.toml")


def _toml_options(path: Path) -> Mapping[str, str]:
    try:
        read = tomllib.loads(path.read_text())
    except (OSError, tomllib.TOMLDecodeError):
        return {}
    options = read.get("tool", {}).get("pytest", {}).get("ini_options", {})
    return {
        key: "\n".join(value) if isinstance(value, list) else str(value)
        for key, value in options.items()
    }


def _check_out(
    repository: Repository, commit: str, tree: Path, paths: Iterable[str] | None = None
) -> None:
    """Write files of a commit, through an index outside the repository."""
    with tempfile.TemporaryDirectory() as scratch:
        environment = {**os.environ, "GIT_INDEX_FILE": f"{scratch}/index"}
        git = ["git", "--git-dir", str(repository.git_dir.resolve()), "--work-tree", str(tree)]
        subprocess.run(
            [*git, "read-tree", commit], check=True, capture_output=True, env=environment
        )
        which = ["--all"] if paths is None else ["--stdin", "-z"]
        names = "".join(f"{path}\0" for path in paths or ()).encode()
        command = [*git, "checkout-index", "--force", "--quiet", *which]
        subprocess.run(command, check=True, capture_output=True, env=environment, input=names)


def _overlay(repository: Repository, commit: str, paths: Iterable[str], tree: Path) -> None:
    for path in paths:
        content = _bytes(repository, commit, path)
        if content is None:
            (tree / path).unlink(missing_ok=True)
        else:
            (tree / path).parent.mkdir(parents=True, exist_ok=True)
            (tree / path).write_bytes(content)


def _bytes(repository: Repository, commit: str, path: str) -> bytes | None:
    command = ["git", "--git-dir", str(repository.git_dir), "show", f"{commit}:{path}"]
    done = subprocess.run(command, check=False, capture_output=True)
    return done.stdout if done.returncode == 0 else None


def _depth(path: Path) -> tuple[int, Path]:
    return len(path.parts), path
