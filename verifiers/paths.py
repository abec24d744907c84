"""Which paths are tests: said once, for what is measured, what is suspected and what may be touched."""

from __future__ import annotations

_FOLDERS = frozenset({"test", "tests", "testing"})
_NAMES = frozenset({"conftest.py", "tests.py"})


def is_test_path(path: str) -> bool:
    """True for tests and what serves them. `path` is relative, with forward slashes."""
    *folders, name = path.split("/")
    if _FOLDERS.intersection(folders) or name in _NAMES:
        return True
    return name.startswith("test_") or name.endswith("_test.py")
