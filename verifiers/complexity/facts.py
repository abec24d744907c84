"""Facts of one unit, all from one descent: mass, cognitive complexity, fingerprints.

A fingerprint is the shape of code with names and constants erased.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple
from zlib import crc32

from .exempt import is_stub, is_table_row
from .syntax import BLOCKS, Place, children, cost, is_recursive_call
from .units import MODULE, Unit

MIN_SUBTREE_MASS = 60
_MASK = (1 << 61) - 1
_PRIME = 1_000_003


class Fingerprint(NamedTuple):
    """Shape of a piece of code: equal for code that differs in names and constants only."""

    hash: int
    mass: int


class Subtree(NamedTuple):
    """A statement with everything inside it."""

    fingerprint: Fingerprint
    line: int
    end_line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitFacts:
    """What is measured of one function, method or module level."""

    name: str
    line: int
    digest: bytes
    mass: int
    """Syntax nodes; hints and docstrings weigh nothing."""
    cognitive: int
    statements: Mapping[Fingerprint, int]
    """How often each statement occurs, without the statements inside it."""
    subtrees: tuple[Subtree, ...]
    """Statements of at least `MIN_SUBTREE_MASS` nodes, with everything inside."""


def unit_facts(unit: Unit) -> UnitFacts:
    """Measure one unit."""
    places, spans = _descend(unit)
    name = unit.name.rpartition(".")[2].partition("#")[0]
    is_recursive = any(is_recursive_call(place.node, name) for place in places)
    whole, shallow = _fingerprints(places, spans)
    statements, subtrees = _marks(unit, places, whole, shallow)
    return UnitFacts(
        name=unit.name,
        line=unit.line,
        digest=unit.digest,
        mass=whole[0].mass,
        cognitive=is_recursive + sum(cost(place) for place in places),
        statements=statements,
        subtrees=subtrees,
    )


def _descend(unit: Unit) -> tuple[list[Place], list[range]]:
    """Every node, parents first, and the positions of its children. Depth costs no stack."""
    places = [Place(unit.node, 0, "unit")]
    spans: list[range] = []
    for place in places:
        found = [one for one in children(place) if id(one.node) not in unit.skipped]
        spans.append(range(len(places), len(places) + len(found)))
        places += found
    return places, spans


def _fingerprints(
    places: list[Place], spans: list[range]
) -> tuple[list[Fingerprint], list[Fingerprint]]:
    """For every node: with all that is inside it, and without the statements inside it."""
    nothing = Fingerprint(0, 0)
    whole, shallow = [nothing] * len(places), [nothing] * len(places)
    for index in range(len(places) - 1, -1, -1):
        start = _seed(type(places[index].node))
        whole_hash = shallow_hash = start
        whole_mass = shallow_mass = 1
        for child in spans[index]:
            field, (hashed, mass) = places[child].field, whole[child]
            whole_hash = _mixed(whole_hash, field, hashed)
            whole_mass += mass
            if not isinstance(places[child].node, BLOCKS):
                shallow_hash = _mixed(shallow_hash, field, hashed)
                shallow_mass += mass
        whole[index] = Fingerprint(whole_hash, whole_mass)
        shallow[index] = Fingerprint(shallow_hash, shallow_mass)
    return whole, shallow


def _marks(
    unit: Unit, places: list[Place], whole: list[Fingerprint], shallow: list[Fingerprint]
) -> tuple[Mapping[Fingerprint, int], tuple[Subtree, ...]]:
    """Statement bag and large subtrees; tables and stubs leave none: they may look alike."""
    if unit.name == MODULE or is_stub(unit.node):
        return {}, ()
    statements: Counter[Fingerprint] = Counter()
    subtrees: list[Subtree] = []
    for index, place in enumerate(places):
        if not isinstance(place.node, BLOCKS):
            continue
        if index and not is_table_row(place.node, unit.name):
            statements[shallow[index]] += 1
        if whole[index].mass >= MIN_SUBTREE_MASS and isinstance(place.node, ast.stmt):
            end = place.node.end_lineno or place.node.lineno
            subtrees.append(Subtree(whole[index], place.node.lineno, end))
    return statements, tuple(subtrees)


def _seed(kind: type[ast.AST]) -> int:
    # An annotation is free, so that it may not change the shape either.
    return crc32((ast.Assign if kind is ast.AnnAssign else kind).__name__.encode())


def _mixed(seed: int, field: int, value: int) -> int:
    return ((seed * _PRIME) ^ (value + field)) & _MASK
