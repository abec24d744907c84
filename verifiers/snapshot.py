"""Taking a snapshot: which files of a folder count, and what they hold."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from .base import Snapshot
from .errors import BaseStateError

_SKIPPED = frozenset(
    {".git", ".hg", ".svn", "__pycache__", ".tox", ".nox", "node_modules", ".eggs", ".pytest_cache"}
    | {
        ".mypy_cache",
        ".ruff_cache",
        ".hypothesis",
        ".winnow",
        ".import_linter_cache",
        ".ipynb_checkpoints",
    }
)
_SKIPPED_ENDINGS = (".pyc", ".pyo", ".swp")
_ENVIRONMENT_MARK = "pyvenv.cfg"


def take_snapshot(root: Path) -> Snapshot:
    """The files of a folder as they are now, uncommitted changes included.

    Version control, caches, virtual environments and links are left out.

    Raises:
        BaseStateError: there is no such folder.
    """
    if not root.is_dir():
        what = "is a file" if root.exists() else "does not exist"
        raise BaseStateError(
            f"{root} {what}: name the folder of a project with tests", reason="not_a_directory"
        )
    root = root.resolve()
    files = tuple(sorted(_walk(root)))
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.encode("utf-8", "surrogateescape") + b"\0")
        digest.update(hashlib.sha256((root / path).read_bytes()).digest())
    return Snapshot(root=root, files=files, digest=digest.hexdigest())


def _walk(root: Path) -> Iterator[str]:
    for folder, folders, files in os.walk(root):
        if _ENVIRONMENT_MARK in files and Path(folder) != root:
            folders.clear()
            continue
        folders[:] = [
            n for n in folders if n not in _SKIPPED and not os.path.islink(os.path.join(folder, n))
        ]
        for name in files:
            path = os.path.join(folder, name)
            if (
                not name.endswith(_SKIPPED_ENDINGS)
                and os.path.isfile(path)
                and not os.path.islink(path)
            ):
                yield os.path.relpath(path, root).replace(os.sep, "/")
