"""Is added code in the repository already?

Bags of statements find clones with lines added or dropped, hashes of large statements exact copies.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from .facts import Fingerprint, Subtree, UnitFacts

MIN_BAG_MASS = 80
"""Smaller functions look alike by chance."""
MIN_LIKENESS = 0.7
MAX_SITES = 40
"""Statements that stand in more functions than this say nothing about where code came from."""
_MIN_SHARED = 2
_MAX_RIVALS = 8


class Site(NamedTuple):
    """Where a unit stands."""

    path: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Similar:
    """Code of a change that is like code elsewhere."""

    path: str
    name: str
    line: int
    other_path: str
    other_name: str
    other_line: int
    kind: Literal["function", "block"]
    """A whole function by its bag of statements, or one statement with everything inside."""
    likeness: float
    """Share of nodes in common (Dice), 0..1."""
    mass: int
    """Syntax nodes that are there twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one side of a change has and the other has not: added, or removed, code of a unit."""

    site: Site
    line: int
    statements: Mapping[Fingerprint, int]
    subtrees: tuple[Subtree, ...]

    @property
    def mass(self) -> int:
        """Syntax nodes of the statements."""
        return _bag_mass(self.statements)


class SimilarityIndex:
    """All units of a tree, found by the shapes of their statements."""

    def __init__(self) -> None:
        self._parts: list[Part] = []
        self._by_statement: dict[Fingerprint, list[int]] = defaultdict(list)
        self._by_subtree: dict[Fingerprint, list[tuple[int, int]]] = defaultdict(list)

    def add(self, path: str, facts: UnitFacts) -> None:
        """Take in one unit."""
        self.add_part(whole_part(path, facts))

    def add_part(self, part: Part) -> None:
        """Take in a piece of code."""
        number = len(self._parts)
        self._parts.append(part)
        for fingerprint in part.statements:
            self._by_statement[fingerprint].append(number)
        for subtree in part.subtrees:
            self._by_subtree[subtree.fingerprint].append((number, subtree.line))

    def find(self, part: Part, ignored: Collection[Site] = ()) -> Iterator[Similar]:
        """The function that `part` is like, else the large statements that stand elsewhere too."""
        like = self._most_alike(part, ignored)
        if like is not None:
            yield like
        else:
            yield from self._copies(part, ignored)

    def _most_alike(self, part: Part, ignored: Collection[Site]) -> Similar | None:
        if part.mass < MIN_BAG_MASS:
            return None
        found = [self._compared(part, rival) for rival in self._rivals(part, ignored)]
        best = max(found, key=lambda one: one.likeness, default=None)
        return best if best is not None and best.likeness >= MIN_LIKENESS else None

    def _rivals(self, part: Part, ignored: Collection[Site]) -> list[Part]:
        """Parts that share at least two telling statements, those that share most first."""
        shared: Counter[int] = Counter()
        kinds: Counter[int] = Counter()
        for fingerprint, count in part.statements.items():
            sites = self._by_statement.get(fingerprint, ())
            for number in sites if len(sites) <= MAX_SITES else ():
                shared[number] += fingerprint.mass * min(
                    count, self._parts[number].statements[fingerprint]
                )
                kinds[number] += 1
        likely = [self._parts[n] for n, _ in shared.most_common() if kinds[n] >= _MIN_SHARED]
        return [rival for rival in likely if rival.site not in ignored][:_MAX_RIVALS]

    def _compared(self, part: Part, rival: Part) -> Similar:
        common = sum(
            fingerprint.mass * min(count, rival.statements.get(fingerprint, 0))
            for fingerprint, count in part.statements.items()
        )
        return _similar(
            part,
            part.line,
            rival,
            rival.line,
            "function",
            2 * common / (part.mass + rival.mass),
            common,
        )

    def _copies(self, part: Part, ignored: Collection[Site]) -> Iterator[Similar]:
        """Maximal statements only: what lies inside one that was named is not named again."""
        covered: list[Subtree] = []
        for subtree in sorted(part.subtrees, key=lambda one: (-one.fingerprint.mass, one.line)):
            if any(one.line <= subtree.line <= one.end_line for one in covered):
                continue
            for number, line in self._by_subtree.get(subtree.fingerprint, ()):
                other = self._parts[number]
                if other.site not in ignored:
                    covered.append(subtree)
                    mass = subtree.fingerprint.mass
                    yield _similar(part, subtree.line, other, line, "block", 1.0, mass)
                    break


def whole_part(path: str, facts: UnitFacts) -> Part:
    """A unit with nothing to compare it to."""
    return Part(
        site=Site(path, facts.name),
        line=facts.line,
        statements=facts.statements,
        subtrees=facts.subtrees,
    )


def difference(path: str, facts: UnitFacts, other: UnitFacts | None) -> Part:
    """What `facts` has and `other` has not."""
    if other is None:
        return whole_part(path, facts)
    left = Counter(facts.statements)
    left.subtract(other.statements)
    known = Counter(subtree.fingerprint for subtree in other.subtrees)
    return Part(
        site=Site(path, facts.name),
        line=facts.line,
        statements={fingerprint: count for fingerprint, count in left.items() if count > 0},
        subtrees=tuple(one for one in facts.subtrees if not _taken(known, one.fingerprint)),
    )


def repeated(
    parts: Iterable[Part], index: SimilarityIndex, ignored: Collection[Site]
) -> tuple[Similar, ...]:
    """What of `parts` stands in the index or in an earlier part."""
    earlier = SimilarityIndex()
    found: list[Similar] = []
    for part in parts:
        elsewhere = list(index.find(part, ignored)) or list(earlier.find(part))
        found += elsewhere
        earlier.add_part(part)
    return tuple(found)


def _taken(known: Counter[Fingerprint], fingerprint: Fingerprint) -> bool:
    known[fingerprint] -= 1
    return known[fingerprint] >= 0


def _bag_mass(statements: Mapping[Fingerprint, int]) -> int:
    return sum(fingerprint.mass * count for fingerprint, count in statements.items())


def _similar(
    part: Part,
    line: int,
    other: Part,
    other_line: int,
    kind: Literal["function", "block"],
    likeness: float,
    mass: int,
) -> Similar:
    return Similar(
        path=part.site.path,
        name=part.site.name,
        line=line,
        other_path=other.site.path,
        other_name=other.site.name,
        other_line=other_line,
        kind=kind,
        likeness=likeness,
        mass=mass,
    )
