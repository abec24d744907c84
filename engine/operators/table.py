"""THE table of edit operators: forwards it makes training data, backwards it makes candidates.

Weights follow what real one-hunk fixes of public libraries are: mostly a missing condition, branch or call, an inserted
statement, an expression that was too simple; seldom a wrong operator.
"""

from __future__ import annotations

import ast
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from . import calls, guards, names, statements, swaps
from .base import Family, FunctionView, Operator, TextEdit, nothing

TABLE: tuple[Operator, ...] = (
    Operator(kind="compare", family="one-token", weight=2.0, breaks=swaps.comparisons, repairs=swaps.comparisons),
    Operator(kind="arithmetic", family="one-token", weight=1.2, breaks=swaps.arithmetic, repairs=swaps.arithmetic),
    Operator(kind="augmented", family="one-token", weight=0.5, breaks=swaps.augmented, repairs=swaps.augmented),
    Operator(
        kind="plain-assign", family="one-token", weight=0.2,
        breaks=swaps.plain_to_augmented, repairs=swaps.plain_to_augmented,
    ),
    Operator(kind="constant", family="one-token", weight=1.5, breaks=swaps.constants, repairs=swaps.constants),
    Operator(kind="boolean", family="one-token", weight=0.6, breaks=swaps.boolean, repairs=swaps.boolean),
    Operator(kind="negation", family="one-token", weight=1.0, breaks=swaps.negation, repairs=swaps.negation),
    Operator(kind="index", family="one-token", weight=0.9, breaks=swaps.indexes, repairs=swaps.indexes),
    Operator(kind="off-by-one", family="one-token", weight=0.8, breaks=swaps.off_by_one, repairs=swaps.off_by_one),
    Operator(kind="variable", family="one-token", weight=2.0, breaks=names.variables, repairs=names.variables),
    Operator(kind="attribute", family="one-token", weight=1.0, breaks=names.attributes, repairs=names.attributes),
    Operator(kind="function", family="one-token", weight=1.0, breaks=names.functions, repairs=names.functions),
    Operator(kind="argument-swap", family="one-token", weight=0.7, breaks=names.arguments, repairs=names.arguments),
    Operator(kind="call", family="insertion", weight=3.0, breaks=calls.drop_call, repairs=calls.add_call),
    Operator(kind="argument", family="insertion", weight=1.8, breaks=calls.drop_argument, repairs=calls.add_argument),
    Operator(kind="part", family="insertion", weight=2.4, breaks=calls.drop_part, repairs=calls.add_part),
    Operator(kind="conjunct", family="insertion", weight=2.6, breaks=guards.drop_conjunct, repairs=guards.add_conjunct),
    Operator(kind="guard", family="insertion", weight=2.6, breaks=guards.drop_guard, repairs=guards.add_guard),
    Operator(kind="branch", family="insertion", weight=2.6, breaks=guards.drop_branch, repairs=guards.add_branch),
    Operator(kind="handler", family="insertion", weight=0.8, breaks=guards.drop_handler, repairs=nothing),
    Operator(kind="statement", family="insertion", weight=2.2, breaks=statements.drop_statement, repairs=nothing),
    Operator(kind="statements", family="insertion", weight=0.9, breaks=statements.drop_run, repairs=nothing),
    Operator(
        kind="compound", family="insertion", weight=1.0,
        breaks=statements.drop_compound, repairs=nothing,
    ),
    Operator(
        kind="return", family="insertion", weight=1.0,
        breaks=statements.drop_return, repairs=statements.add_return,
    ),
    Operator(
        kind="extra-statement", family="one-token", weight=0.3,
        breaks=statements.copy_statement, repairs=statements.delete_statement,
    ),
)  # fmt: skip

FAMILY: dict[str, Family] = {operator.kind: operator.family for operator in TABLE}


@dataclass(frozen=True, slots=True)
class Mutation:
    """One function with one mistake in it, or one candidate that repairs one."""

    kind: str
    source: str
    edit: TextEdit


def mutations(source: str, rng: random.Random, count: int = 1) -> list[Mutation]:
    """Up to `count` distinct mutants of a right function, kinds drawn by weight.

    Raises:
        SyntaxError: the source does not parse.
    """
    view = FunctionView(source)
    pools = [(op, edits) for op in TABLE if (edits := list(op.breaks(view)))]
    found: dict[str, Mutation] = {}
    for _ in range(4 * count):
        if not pools or len(found) >= count:
            break
        operator, edits = rng.choices(pools, [op.weight for op, _ in pools])[0]
        edit = rng.choice(edits)
        mutant = edit.apply(source)
        if mutant not in found and _same_shape_differs(source, mutant):
            found[mutant] = Mutation(operator.kind, mutant, edit)
    return list(found.values())


def proposals(source: str, names: Sequence[str] = (), max_edits: int = 4096) -> list[Mutation]:
    """Every single edit that the table knows for a broken function, distinct, parsing and not a no-op.

    Raises:
        SyntaxError: the source does not parse.
    """
    view = FunctionView(source, names)
    found: dict[str, Mutation] = {}
    for operator, edit in _interleaved(view):
        candidate = edit.apply(source)
        if candidate != source and candidate not in found and _parses(candidate):
            found[candidate] = Mutation(operator.kind, candidate, edit)
        if len(found) >= max_edits:
            break
    return list(found.values())


def _interleaved(view: FunctionView) -> Iterator[tuple[Operator, TextEdit]]:
    for operator in TABLE:
        for edit in operator.repairs(view):
            yield operator, edit


def _parses(source: str) -> bool:
    try:
        ast.parse(source)
    except (SyntaxError, ValueError):
        return False
    return True


def _same_shape_differs(source: str, mutant: str) -> bool:
    """True when the mutant parses and is not the same program in another layout."""
    try:
        return ast.dump(ast.parse(mutant)) != ast.dump(ast.parse(source))
    except (SyntaxError, ValueError):
        return False
