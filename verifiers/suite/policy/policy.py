"""Which paths a change may touch, and what it may bring. Tests and all that configures them always come from the base."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import PurePosixPath

from verifiers.base import Change, Finding, Snapshot
from verifiers.parsing import parse_python
from verifiers.paths import is_test_path
from verifiers.suite.running.observations import Observations

from .doctests import changed_examples
from .hidden_text import hidden_text
from .odd_paths import Tree, folders_of, shown
from .test_files import files_of_doctests, files_of_tests, plugin_files

_CONFIGURATION = (
    "conftest.py", "pytest.ini", ".pytest.ini", "pytest.toml", ".pytest.toml", "pyproject.toml", "setup.cfg", "setup.py",
    "tox.ini", "noxfile.py", "sitecustomize.py", "usercustomize.py", "*.pth", "*.egg-link", "pyvenv.cfg", ".coveragerc",
    ".gitignore", ".gitattributes",
)  # fmt: skip
_BINARY = ("*.pyc", "*.pyo", "*.so", "*.so.*", "*.pyd", "*.dll", "*.dylib", "*.egg", "*.whl")
_NEVER_SOURCE = frozenset({"__pycache__", ".git", ".github"})
_ENVIRONMENTS = frozenset({"venv", "site-packages", "dist-packages"})
_RESERVED = frozenset(
    {"conftest", "sitecustomize", "usercustomize", "winnow_observer", "winnow_server"}
)
_IMPORT_ROOTS = frozenset({"", "src", "lib"})


@dataclass(frozen=True)
class PathPolicy:
    """What the tests of one base tree depend on."""

    snapshot: Snapshot
    test_files: frozenset[str]
    """Files that tests were collected from, that hold the code of tests, or that serve them as plugins."""
    installed: frozenset[str]
    """Names of installed top-level modules."""
    doctest_files: frozenset[str] = frozenset()
    """Source files whose docstrings hold examples that are tests."""

    def protects(self, path: str) -> bool:
        """True for a file of the tree that no change may touch."""
        return self._configures(path) or path in self.test_files or is_test_path(path)

    def tampered(self, change: Change) -> list[Finding]:
        """One finding for every path that a change must not touch, and for what it must not bring."""
        paths = [
            _finding("policy.protected-path", path, why)
            for path in change.files
            if (why := self._why(path, change))
        ]
        return [*paths, *hidden_text(change), *self._changed_doctests(change)]

    def invalid(self, change: Change) -> list[Finding]:
        """One finding for everything that cannot be meant: an old text that is not the base's, code that is not Python."""
        return [*self._stale(change), *_syntax_errors(change)]

    @cached_property
    def _tree(self) -> Tree:
        return Tree(self.snapshot)

    @cached_property
    def _roots(self) -> frozenset[str]:
        """Folders that names are imported from: usual ones, and those of tests that are in no package."""
        found = {path.rpartition("/")[0] for path in self.test_files}
        return _IMPORT_ROOTS | {f for f in found if f"{f}/__init__.py" not in self._tree.files}

    def _why(self, path: str, change: Change) -> str:
        if why := self._tree.complaint(path, change.files.keys()):
            return why
        if self._configures(path):
            return "configures the tests, and comes from the base"
        if any(fnmatchcase(PurePosixPath(path).name.casefold(), pattern) for pattern in _BINARY):
            return "is not source code"
        if self._is_hidden(path):
            return "is not source code"
        if path in self.test_files or is_test_path(path):
            return "is a test, and comes from the base"
        if path not in self._tree.files and self._shadows(path):
            return "has the name of a module that is installed already"
        return ""

    def _configures(self, path: str) -> bool:
        folder, _, name = path.rpartition("/")
        if name == "setup.py" and f"{folder}/__init__.py" in self._tree.files:
            return False  # a module of a package
        return any(fnmatchcase(name.casefold(), pattern) for pattern in _CONFIGURATION)

    def _is_hidden(self, path: str) -> bool:
        parts = set(path.split("/")[:-1])
        if parts & _NEVER_SOURCE:
            return True
        new = [folder for folder in folders_of(path) if folder not in self._tree.folders]
        names = {folder.rpartition("/")[2] for folder in new}
        return bool(names & _ENVIRONMENTS) or any(name.startswith(".") for name in names)

    def _shadows(self, path: str) -> bool:
        """True where a new file, or a new folder above it, takes a name that is imported from elsewhere."""
        new = [n for n in (*folders_of(path), path) if n not in self._tree.folders]
        return any(self._takes_name(entry) for entry in new if path.endswith((".py", ".pyi")))

    def _takes_name(self, entry: str) -> bool:
        folder, _, last = entry.rpartition("/")
        name = last.split(".")[0]
        if name in _RESERVED:
            return True
        own = f"{entry}.py" in self._tree.files or entry in _IMPORT_ROOTS
        if folder not in self._roots or own:
            return False
        return name in sys.stdlib_module_names or name in self.installed

    def _changed_doctests(self, change: Change) -> Iterator[Finding]:
        for path in sorted(self.doctest_files & change.files.keys() & self._tree.files):
            names = changed_examples(self.snapshot.read(path), change.files[path].after)
            if names:
                why = f"the examples of {names[0]} are tests, and come from the base"
                yield _finding("policy.doctest-changed", path, why)

    def _stale(self, change: Change) -> Iterator[Finding]:
        for path, file in change.files.items():
            base = self.snapshot.read(path) if path in self._tree.files else None
            if base != file.before:
                why = "the change was made against another state of this file"
                yield _finding("policy.stale", path, why)


def make_policy(snapshot: Snapshot, seen: Observations, installed: Collection[str]) -> PathPolicy:
    """The policy for a base whose tests were seen to run."""
    tests = files_of_tests(snapshot, seen.tests, seen.places) | plugin_files(snapshot)
    return PathPolicy(
        snapshot=snapshot,
        test_files=tests,
        installed=frozenset(installed),
        doctest_files=files_of_doctests(snapshot, seen.tests) - tests,
    )


def _finding(kind: str, path: str, why: str) -> Finding:
    name = shown(path)
    return Finding(kind=kind, message=f"{name}: {why}", path=name, severity="error")


def _syntax_errors(change: Change) -> Iterator[Finding]:
    for path, file in change.files.items():
        if file.after is None or not path.endswith(".py"):
            continue
        try:
            parse_python(file.after)
        except SyntaxError as error:
            line = error.lineno or 0
            yield Finding(
                kind="syntax",
                message=f"{shown(path)}: {shown(str(error))}",
                path=shown(path),
                line=line,
                severity="error",
            )
