"""What the runs of a base depend on, as one word: when any of it changes, what was seen before is worth nothing."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator
from dataclasses import asdict
from functools import cache
from hashlib import sha256
from importlib import metadata
from itertools import islice
from pathlib import Path

from verifiers.base import Snapshot
from verifiers.suite.running.limits import SuiteLimits
from verifiers.suite.running.site import Interpreter, Site

_PACKAGES = ("site-packages", "dist-packages")
_LISTED = (".dist-info", ".egg-info", ".pth", ".egg-link", ".py")
_STANDARD = ("os.py", "bin/python", "bin/python3")
"""What is in folders of the interpreter itself: those change with its executable."""
_NO_SOURCES = frozenset({"node_modules", "__pycache__", "venv", "env"})
_MOST_SOURCES = 20_000
_VERIFIERS = Path(__file__).resolve().parents[2]


def cache_key(snapshot: Snapshot, site: Site, limits: SuiteLimits, *, look_outside: bool) -> str:
    """Hex digest of the tree, the interpreter and its packages, the limits, the sandbox, this machine and our own code."""
    facts = {
        "tree": snapshot.digest,
        "place": site.place,
        "more": list(_beside_contents(site.tree)),
        "interpreter": _interpreter(site.interpreter),
        "isolation": site.isolation,
        "limits": asdict(limits),
        "look_outside": look_outside,
        "machine": list(platform.uname()),
        "own": [_own_version(), _own_digest()],
    }
    return sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _beside_contents(tree: Path) -> Iterator[list[str]]:
    """What the digest of a tree does not say: links, and which files may be run."""
    for folder, folders, files in os.walk(tree):
        folders.sort()
        for name in sorted([*folders, *files]):
            path = Path(folder, name)
            if path.is_symlink():
                yield [str(path.relative_to(tree)), os.readlink(path)]
            elif name in files and os.access(path, os.X_OK):
                yield [str(path.relative_to(tree)), "x"]


def _interpreter(python: Interpreter) -> list[object]:
    real = os.path.realpath(python.executable)
    folders = [[path, *_folder(Path(path))] for path in python.paths]
    return [python.executable, real, *_stamp(Path(real)), list(python.plugins), folders]


def _folder(path: Path) -> list[object]:
    """Installed distributions by name and version; sources that are on the path by their times."""
    if not path.is_dir():
        return []
    if path.name in _PACKAGES:
        names = sorted(name for name in os.listdir(path) if name.endswith(_LISTED))
        links = [_text(path / name) for name in names if name.endswith((".pth", ".egg-link"))]
        return [*_stamp(path), names, links]
    if path.name == "lib-dynload" or any((path / name).exists() for name in _STANDARD):
        return _stamp(path)
    return [[str(found), *_stamp(found)] for found in islice(_sources(path), _MOST_SOURCES)]


def _sources(root: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(n for n in folders if n[0] != "." and n not in _NO_SOURCES)
        yield from (Path(folder, name) for name in sorted(files) if name.endswith(".py"))


def _stamp(path: Path) -> list[object]:
    try:
        found = path.stat()
    except OSError:
        return []
    return [found.st_mtime_ns, found.st_size]


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""


def _own_version() -> str:
    try:
        return metadata.version("winnow-agent")
    except metadata.PackageNotFoundError:
        return "unknown"


@cache
def _own_digest() -> str:
    """Of the code that this process runs: once, since a change of the files does not reach it."""
    digest = sha256()
    for path in sorted(_VERIFIERS.rglob("*.py")):
        digest.update(path.relative_to(_VERIFIERS).as_posix().encode() + b"\0")
        digest.update(sha256(path.read_bytes()).digest())
    return digest.hexdigest()
