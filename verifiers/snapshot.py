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

    Version control, caches, virtual environments, links, and what is no ordinary file are left out, and so is what this user
    may not read: their tests cannot read it either.

    Raises:
        BaseStateError: there is no such folder, or it cannot be read.
    """
    _check_folder(root)
    root = root.resolve()
    digests = {path: d for path in sorted(_walk(root)) if (d := _digest_of(root / path))}
    digest = hashlib.sha256()
    for path, content in digests.items():
        digest.update(path.encode("utf-8", "surrogateescape") + b"\0")
        digest.update(content)
    return Snapshot(root=root, files=tuple(digests), digest=digest.hexdigest())


def _check_folder(root: Path) -> None:
    if not os.path.isdir(root):
        what = "is a file" if os.path.lexists(root) else "does not exist"
    elif not os.access(root, os.R_OK | os.X_OK, effective_ids=True):
        what = "cannot be read by this user"
    else:
        return
    raise BaseStateError(
        f"{root} {what}: name the folder of a project with tests", reason="not_a_directory"
    )


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
            if name not in _SKIPPED and not name.endswith(_SKIPPED_ENDINGS) and _is_plain(path):
                yield os.path.relpath(path, root).replace(os.sep, "/")


def _is_plain(path: str) -> bool:
    return os.path.isfile(path) and not os.path.islink(path)


def _digest_of(path: Path) -> bytes:
    """SHA-256; empty for what may not be read, or is gone meanwhile."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except (PermissionError, FileNotFoundError):
        return b""
