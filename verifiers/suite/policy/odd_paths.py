"""Names of files that are not what they seem, or that lie where a change has no business.

What the base has already is never odd: the rules are for names that a change brings.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath

from verifiers.base import Snapshot

_OUTSIDE = "does not lie inside the tree"
_MOST_BYTES_OF_PART, _MOST_CHARS = 255, 1_000
_ENVIRONMENT_MARK = "pyvenv.cfg"


@dataclass(frozen=True)
class Tree:
    """The names in a base tree."""

    snapshot: Snapshot

    @cached_property
    def files(self) -> frozenset[str]:
        """Paths of files."""
        return frozenset(self.snapshot.files)

    @cached_property
    def folders(self) -> frozenset[str]:
        """Paths of folders that hold files."""
        return frozenset(folder for path in self.files for folder in folders_of(path))

    def complaint(self, path: str, together: Collection[str]) -> str:
        """What is wrong with a path; "" when nothing is. `together` are the paths of the whole change."""
        if path in self.files:
            return ""
        return _shape(path) or self._place(path, together) or self._elsewhere(path)

    def _place(self, path: str, together: Collection[str]) -> str:
        above = folders_of(path)
        if path in self.folders or any(path in folders_of(other) for other in together):
            return "is a folder"
        if any(folder in self.files for folder in above):
            return "lies below a file"
        for name in (*above, path):
            known = self._folded.get(_fold(name), name)
            if known != name and name not in self.folders:
                return f"differs from {known} by no more than the case or the form of letters"
        return ""

    def _elsewhere(self, path: str) -> str:
        """Links and what the snapshot leaves out: the file would land in another place than its name says."""
        root = self.snapshot.root
        for folder in folders_of(path):
            if os.path.islink(root / folder):
                return "lies behind a link"
            if os.path.lexists(root / folder / _ENVIRONMENT_MARK):
                return "lies in a virtual environment"
        return (
            "is there already, but is no part of the project"
            if os.path.lexists(root / path)
            else ""
        )

    @cached_property
    def _folded(self) -> dict[str, str]:
        return {_fold(name): name for name in sorted(self.files | self.folders)}


def folders_of(path: str) -> tuple[str, ...]:
    """The folders above a path, outermost first, without the root."""
    parts = path.split("/")
    return tuple("/".join(parts[:i]) for i in range(1, len(parts)))


def shown(path: str) -> str:
    """A path fit to be printed."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in path)


def _shape(path: str) -> str:
    if not path or path.startswith("/") or ".." in path.split("/"):
        return _OUTSIDE
    if str(PurePosixPath(path)) != path or path == ".":
        return "is not written plainly"
    if "\\" in path or path.split("/")[0].endswith(":"):
        return _OUTSIDE
    if not path.isprintable():
        return "holds characters that cannot be seen"
    if unicodedata.normalize("NFC", path) != path:
        return "is not in Unicode's normal form C"
    parts = path.split("/")
    if any(part != part.strip() or part.endswith(".") for part in parts):
        return "begins or ends with a blank, or ends with a dot"
    if len(path) > _MOST_CHARS or any(len(p.encode()) > _MOST_BYTES_OF_PART for p in parts):
        return "is too long"
    return ""


def _fold(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold()
