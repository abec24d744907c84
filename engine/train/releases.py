"""Real edits: what changed in a function between two consecutive releases of a package.

Only small changes in one place count, and none that is repeated all over the release (renames, reformatting, type hints):
what is left is mostly repairs, made by people.
"""

from __future__ import annotations

import ast
import gzip
import json
import zipfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from engine.listing import list_definition
from engine.regions import find_fix

from .corpus import functions_of, is_permissive, wheel_files
from .denied import DenyList, normalise_name

_MOST_REMOVED, _MOST_ADDED, _MOST_ALIKE = 4, 7, 2


@dataclass(frozen=True, slots=True)
class Release:
    """One wheel of a package."""

    package: str
    version: tuple[int, ...]
    path: Path


@dataclass(frozen=True, slots=True)
class ReleaseEdit:
    """A function before and after, as listings."""

    package: str
    before: str
    after: str


def build_releases(wheels: Path, out: Path, deny: DenyList, workers: int = 2) -> Counter[str]:
    """Write `releases.jsonl.gz`; `wheels` is searched for wheels of several versions, folder by folder."""
    by_package: defaultdict[str, list[Release]] = defaultdict(list)
    for path in wheels.rglob("*.whl"):
        release = _release(path)
        if release is not None and not deny.has_package(release.package):
            by_package[release.package].append(release)
    counts: Counter[str] = Counter()
    histories = [sorted(r, key=lambda x: x.version) for r in by_package.values() if len(r) > 1]
    seen: set[tuple[str, str]] = set()
    with gzip.open(out / "releases.jsonl.gz", "wt") as file, ProcessPoolExecutor(workers) as pool:
        for edits in pool.map(_history_edits, histories, [deny] * len(histories), chunksize=2):
            for edit in edits:
                if (edit.before, edit.after) not in seen and (edit.after, edit.before) not in seen:
                    seen.add((edit.before, edit.after))
                    counts[edit.package] += 1
                    file.write(json.dumps([edit.package, edit.before, edit.after]) + "\n")
    return counts


def read_releases(path: Path) -> Iterator[ReleaseEdit]:
    """The edits that `build_releases` wrote."""
    with gzip.open(path, "rt") as file:
        for line in file:
            yield ReleaseEdit(*json.loads(line))


def _release(path: Path) -> Release | None:
    name, version = path.name.split("-")[:2]
    numbers = version.split(".")
    if not all(n.isdigit() for n in numbers):
        return None
    return Release(normalise_name(name), tuple(map(int, numbers)), path)


def _history_edits(releases: list[Release], deny: DenyList) -> list[ReleaseEdit]:
    edits: list[ReleaseEdit] = []
    older: dict[str, str] | None = None
    for release in releases:
        try:
            newer = _listings(release.path, deny)
        except (zipfile.BadZipFile, OSError):
            continue
        if older is not None:
            edits += _pair_edits(release.package, older, newer, deny)
        older = newer
    return edits


def _listings(path: Path, deny: DenyList) -> dict[str, str]:
    found = {}
    with zipfile.ZipFile(path) as archive:
        if not is_permissive(archive):
            return {}
        for name, text in wheel_files(archive, deny):
            for qualname, node, lines in functions_of(text):
                found[f"{name}:{qualname}"] = list_definition(node, lines).source
    return found


def _pair_edits(
    package: str, older: dict[str, str], newer: dict[str, str], deny: DenyList
) -> Iterator[ReleaseEdit]:
    changed = [(older[k], newer[k]) for k in older.keys() & newer.keys() if older[k] != newer[k]]
    edits = [
        (b, a, _token_change(b, a)) for b, a in changed if _is_small(b, a) and _means_else(b, a)
    ]
    alike = Counter(change for _, _, change in edits)
    for before, after, change in edits:
        if (
            alike[change] <= _MOST_ALIKE
            and not deny.is_withheld(after)
            and not deny.is_withheld(before)
        ):
            yield ReleaseEdit(package, before, after)


def _is_small(before: str, after: str) -> bool:
    fix = find_fix(before.split("\n"), after.split("\n"))
    return fix.replaced <= _MOST_REMOVED and len(fix.added) <= _MOST_ADDED and fix.start > 0


def _token_change(before: str, after: str) -> tuple[str, ...]:
    """The words that went and came: equal for the same change in several places."""
    old, new = Counter(before.split()), Counter(after.split())
    return (*sorted((old - new).elements()), "->", *sorted((new - old).elements()))


def _means_else(before: str, after: str) -> bool:
    """False when only annotations, texts of messages or the layout differ."""
    try:
        return _meaning(before) != _meaning(after)
    except (SyntaxError, ValueError, RecursionError):
        return False


def _meaning(source: str) -> str:
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            node.returns = None
        elif isinstance(node, ast.arg):
            node.annotation = None
        elif isinstance(node, ast.AnnAssign):
            node.annotation = ast.Constant(None)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            node.value = "text"
        elif isinstance(node, ast.JoinedStr):
            node.values = []
    return ast.dump(tree)
