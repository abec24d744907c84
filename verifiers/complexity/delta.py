"""What a change does to complexity: sums over the units that it touches; less is rewarded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ..base import Change, FileChange, Snapshot
from .exempt import is_foreign
from .facts import UnitFacts, unit_facts
from .index import TreeIndex, is_measured
from .similarity import Similar, Site, difference, repeated
from .units import units

MASS_STEP = 100
COGNITIVE_STEP = 5
"""What commits add per 100 nodes (median of 1,409), so that an ordinary one weighs both alike."""
DUPLICATE_STEP = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitDelta:
    """One unit before and after; None where it does not exist."""

    path: str
    before: UnitFacts | None
    after: UnitFacts | None

    @property
    def site(self) -> Site:
        """Where it stands."""
        return Site(self.path, (self.after or self.before).name)  # type: ignore[union-attr]

    @property
    def mass(self) -> int:
        """Nodes added."""
        return (self.after.mass if self.after else 0) - (self.before.mass if self.before else 0)

    @property
    def cognitive(self) -> int:
        """Cognitive complexity added."""
        before = self.before.cognitive if self.before else 0
        return (self.after.cognitive if self.after else 0) - before


@dataclass(frozen=True, slots=True, kw_only=True)
class ComplexityDelta:
    """What a change adds; negative where it takes away."""

    mass: int
    """Syntax nodes, without hints and docstrings."""
    cognitive: int
    similar: tuple[Similar, ...] = ()
    """Added code that stands elsewhere already."""
    resolved: tuple[Similar, ...] = ()
    """Removed code that stands, or stood, elsewhere too."""
    units: tuple[UnitDelta, ...] = ()

    @property
    def duplicated(self) -> int:
        """Nodes that are there twice because of the change, less those that no longer are."""
        return sum(one.mass for one in self.similar) - sum(one.mass for one in self.resolved)

    @property
    def added(self) -> float:
        """Added complexity in one number: about 1 for 100 nodes as people write them."""
        return (
            self.mass / (2 * MASS_STEP)
            + self.cognitive / (2 * COGNITIVE_STEP)
            + self.duplicated / DUPLICATE_STEP
        )


def measure(change: Change, snapshot: Snapshot) -> ComplexityDelta:
    """What `change` adds to `snapshot`.

    Raises:
        SyntaxError: a changed Python file does not parse.
    """
    return measure_against(change, TreeIndex.of(snapshot))


def measure_against(change: Change, index: TreeIndex) -> ComplexityDelta:
    """What `change` adds to the indexed tree.

    Raises:
        SyntaxError: a changed Python file does not parse; `filename` names it.
    """
    deltas = tuple(
        delta
        for path in sorted(change.files)
        if is_measured(path)
        for delta in _unit_deltas(path, change.files[path], index)
    )
    touched = frozenset(delta.site for delta in deltas)
    own = [delta for delta in deltas if not _is_foreign(delta.path, change)]
    added = [difference(one.path, one.after, one.before) for one in own if one.after]
    removed = [difference(one.path, one.before, one.after) for one in own if one.before]
    return ComplexityDelta(
        mass=sum(delta.mass for delta in deltas),
        cognitive=sum(delta.cognitive for delta in deltas),
        similar=repeated(added, index.similarity, touched),
        resolved=repeated(removed, index.similarity, touched),
        units=deltas,
    )


def _unit_deltas(path: str, file: FileChange, index: TreeIndex) -> Iterator[UnitDelta]:
    before = index.facts(path, file.before) if file.before is not None else {}
    after = _changed_facts(path, file.after, before)
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if old is None or new is None or old.digest != new.digest:
            yield UnitDelta(path=path, before=old, after=new)


def _changed_facts(
    path: str, source: bytes | None, before: Mapping[str, UnitFacts]
) -> Mapping[str, UnitFacts]:
    """Facts after a change: units whose text is the same are not measured again."""
    if source is None:
        return {}
    found: dict[str, UnitFacts] = {}
    try:
        for unit in units(source):
            known = before.get(unit.name)
            same = known is not None and known.digest == unit.digest
            found[unit.name] = known if same and known is not None else unit_facts(unit)
    except SyntaxError as error:
        error.filename = path
        raise
    return found


def _is_foreign(path: str, change: Change) -> bool:
    file = change.files[path]
    return is_foreign(path, file.after or file.before or b"")
