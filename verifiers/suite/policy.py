"""Which paths a change may touch. Tests and all that configures them always come from the base."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import PurePosixPath

from verifiers.base import Change, Finding, Snapshot
from verifiers.parsing import parse_python
from verifiers.paths import is_test_path

_CONFIGURATION = (
    "conftest.py", "pytest.ini", ".pytest.ini", "pyproject.toml", "setup.cfg", "setup.py", "tox.ini", "noxfile.py",
    "sitecustomize.py", "usercustomize.py", "*.pth", "*.pyc", "*.pyo", "*.so", "*.egg-link", "pyvenv.cfg", ".coveragerc",
    ".gitignore", ".gitattributes",
)  # fmt: skip
_HIDDEN = frozenset({"__pycache__", ".git", ".github", ".venv", "venv", "site-packages"})


@dataclass(frozen=True, slots=True)
class PathPolicy:
    """What the tests of one base tree depend on."""

    snapshot: Snapshot
    test_files: frozenset[str]
    """Files that tests were collected from."""
    installed: frozenset[str]
    """Names of installed top-level modules."""

    def tampered(self, change: Change) -> list[Finding]:
        """One finding for every path that a change must not touch."""
        return [
            Finding(
                kind="policy.protected-path", message=f"{path}: {why}", path=path, severity="error"
            )
            for path in change.files
            if (why := self._why(path, change))
        ]

    def invalid(self, change: Change) -> list[Finding]:
        """One finding for everything that cannot be meant: an old text that is not the base's, code that is not Python."""
        return [*self._stale(change), *_syntax_errors(change)]

    def _why(self, path: str, change: Change) -> str:
        parts = PurePosixPath(path).parts
        if not parts or path.startswith("/") or ".." in parts or any(ord(c) < 32 for c in path):
            return "does not lie inside the tree"
        if any(fnmatch(parts[-1], pattern) for pattern in _CONFIGURATION):
            return "configures the tests, and comes from the base"
        if _HIDDEN & set(parts):
            return "is not source code"
        if path in self.test_files or is_test_path(path):
            return "is a test, and comes from the base"
        if change.files[path].before is None and self._shadows(parts):
            return "has the name of a module that is installed already"
        return ""

    def _shadows(self, parts: tuple[str, ...]) -> bool:
        inner = parts[1:] if parts[0] in ("src", "lib") and len(parts) > 1 else parts
        name = inner[0].split(".")[0]
        own = {PurePosixPath(p).parts[0] for p in self.snapshot.files}
        return inner[0] not in own and (name in sys.stdlib_module_names or name in self.installed)

    def _stale(self, change: Change) -> Iterator[Finding]:
        known = set(self.snapshot.files)
        for path, file in change.files.items():
            base = self.snapshot.read(path) if path in known else None
            if base != file.before:
                message = f"{path}: the change was made against another state of this file"
                yield Finding(kind="policy.stale", message=message, path=path, severity="error")


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
                message=f"{path}: {error}",
                path=path,
                line=line,
                severity="error",
            )
