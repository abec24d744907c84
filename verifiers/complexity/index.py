"""The base tree as complexity sees it: facts of every unit, and where its shapes stand."""

from __future__ import annotations

from collections.abc import Mapping

from verifiers.paths import is_test_path

from ..base import Snapshot
from .exempt import is_foreign
from .facts import UnitFacts, unit_facts
from .similarity import SimilarityIndex
from .units import units


class TreeIndex:
    """Built once per base tree, never changed. Tests are left out; foreign code has no shapes."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._facts: dict[str, Mapping[str, UnitFacts]] = {}
        self.similarity = SimilarityIndex()
        for path, source in files.items():
            if is_measured(path):
                self._take(path, source)

    @classmethod
    def of(cls, snapshot: Snapshot) -> TreeIndex:
        """The index of a base tree."""
        return cls({path: snapshot.read(path) for path in snapshot.files if is_measured(path)})

    def facts(self, path: str, source: bytes | None) -> Mapping[str, UnitFacts]:
        """Facts of a base file; `source` is measured only where the file was not indexed."""
        if path in self._facts:
            return self._facts[path]
        return {} if source is None else _readable_facts(source)

    def _take(self, path: str, source: bytes) -> None:
        self._facts[path] = facts = _readable_facts(source)
        if not is_foreign(path, source):
            for one in facts.values():
                self.similarity.add(path, one)


def is_measured(path: str) -> bool:
    """True for Python files that are not tests."""
    return path.endswith(".py") and not is_test_path(path)


def _readable_facts(source: bytes) -> Mapping[str, UnitFacts]:
    """Facts of a file; none where it does not parse, which is not the change's doing."""
    try:
        return {unit.name: unit_facts(unit) for unit in units(source)}
    except SyntaxError:
        return {}
