"""Which files of the tree a test file imports, directly or through others, read from the syntax alone.

Names are looked up below every folder that is no package, so that no path settings have to be known. Texts that name a module
(`mock.patch("shop.price.total")`, `["-m", "shop"]`) count as imports. In doubt a file is taken to be imported: what is asked is
which tests a change can touch. What is loaded by a path, or by a name that is put together, is not seen.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

from verifiers.base import Snapshot
from verifiers.parsing import parse_python

_DOTTED = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")
_MOST_FILES_KEPT = 1_024
_INIT = "__init__.py"


@dataclass(frozen=True, slots=True)
class Names:
    """What one file asks for."""

    absolute: frozenset[str]
    """Dotted names; of `from a import b` both `a` and `a.b`."""
    relative: frozenset[tuple[int, str]]
    """Number of dots, and the name behind them."""


class ImportedFiles(Mapping[str, frozenset[str]]):
    """Test file -> the files of the tree that run when it is imported: itself, its conftests and `plugins` included.

    Worked out when it is asked for. A test file that is not Python, or cannot be read, is taken to import all.
    """

    def __init__(
        self, snapshot: Snapshot, test_files: Iterable[str], plugins: Collection[str] = ()
    ) -> None:
        self._test_files = dict.fromkeys(test_files)
        self._plugins = tuple(plugins)
        self._graph = _Graph(snapshot)
        self._known: dict[str, frozenset[str]] = {}

    def __getitem__(self, path: str) -> frozenset[str]:
        if path not in self._test_files:
            raise KeyError(path)
        if path not in self._known:
            self._known[path] = self._look_up(path)
        return self._known[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self._test_files)

    def __len__(self) -> int:
        return len(self._test_files)

    def _look_up(self, path: str) -> frozenset[str]:
        python = self._graph.python
        if path not in python:
            return python | {path}
        return self._graph.reach([path, *_conftests(path, python), *self._plugins])


class _Graph:
    """The files of one tree, and what each of them imports."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self.python = frozenset(path for path in snapshot.files if path.endswith(".py"))
        self._edges: dict[str, frozenset[str]] = {}

    def reach(self, starts: Iterable[str]) -> frozenset[str]:
        """All files that are imported from `starts` on."""
        found, waiting = set[str](), list(starts)
        while waiting:
            path = waiting.pop()
            if path not in found:
                found.add(path)
                waiting += self._imports(path)
        return frozenset(found)

    def _imports(self, path: str) -> frozenset[str]:
        if path not in self._edges:
            self._edges[path] = frozenset(self._find(path))
        return self._edges[path]

    @cached_property
    def _by_name(self) -> Mapping[str, set[str]]:
        found: dict[str, set[str]] = defaultdict(set)
        for path in self.python:
            for name in _names_of(path, self.python):
                found[name].add(path)
        return found

    def _find(self, path: str) -> Iterator[str]:
        if path not in self.python:
            return
        names = read_names(self._snapshot.read(path))
        if names is None:
            yield from self.python
            return
        yield from _packages_above(path, self.python)
        for name in names.absolute:
            yield from self._along(name)
        for dots, name in names.relative:
            yield from self._below(path, dots, name)

    def _along(self, name: str) -> Iterator[str]:
        """The module, and the packages above it; of `a.b.c` those that there are."""
        parts = name.split(".")
        for i in range(1, len(parts) + 1):
            yield from self._by_name.get(".".join(parts[:i]), ())

    def _below(self, path: str, dots: int, name: str) -> Iterator[str]:
        folder = path.split("/")[:-dots]
        if len(folder) != path.count("/") + 1 - dots:
            return
        parts = name.split(".") if name else []
        for i in range(len(parts) + 1):
            stem = "/".join([*folder, *parts[:i]])
            yield from {f"{stem}.py", f"{stem}/{_INIT}" if stem else _INIT} & self.python


@lru_cache(maxsize=_MOST_FILES_KEPT)
def read_names(source: bytes) -> Names | None:
    """The names that a file imports; None when it is not Python. Kept for each content: trees are read again and again."""
    try:
        tree = parse_python(source)
    except SyntaxError:
        return None
    found = [name for node in ast.walk(tree) for name in _asked_by(node)]
    absolute = frozenset(name for dots, name in found if not dots)
    return Names(absolute=absolute, relative=frozenset(pair for pair in found if pair[0]))


def _asked_by(node: ast.AST) -> Iterator[tuple[int, str]]:
    match node:
        case ast.Import(names=names):
            yield from ((0, one.name) for one in names)
        case ast.ImportFrom(module=module, names=names, level=level):
            base = module or ""
            yield level, base
            yield from ((level, f"{base}.{one.name}".lstrip(".")) for one in names)
        case ast.Constant(value=str(text)) if _DOTTED.fullmatch(text):
            yield 0, text


def _names_of(path: str, python: frozenset[str]) -> Iterator[str]:
    """The names under which a file can be imported: from the top, and from each folder above it that is no package."""
    parts = path.removesuffix(".py").split("/")
    if parts[-1] in ("__init__", "__main__"):
        parts.pop()
    for i in range(len(parts)):
        if i == 0 or "/".join([*path.split("/")[:i], _INIT]) not in python:
            yield ".".join(parts[i:])


def _packages_above(path: str, python: frozenset[str]) -> Iterator[str]:
    folder = path.rpartition("/")[0]
    while folder and f"{folder}/{_INIT}" in python:
        yield f"{folder}/{_INIT}"
        folder = folder.rpartition("/")[0]


def _conftests(path: str, python: frozenset[str]) -> Iterator[str]:
    parts = path.split("/")[:-1]
    for i in range(len(parts) + 1):
        name = "/".join([*parts[:i], "conftest.py"])
        if name in python:
            yield name
