"""THE table of edit operators: forwards it makes training data, backwards it makes candidates.

Weights follow what real one-hunk fixes of public libraries are: mostly a missing condition, branch or call, an inserted
statement, an expression that was too simple; seldom a wrong operator.
"""

from __future__ import annotations

import ast
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from engine.parsing import parse_python

from .base import Family, FunctionView, Operator, TextEdit, nothing
from .calls import add_argument, add_call, add_part, drop_argument, drop_call, drop_part
from .guards import (
    add_branch,
    add_conjunct,
    add_guard,
    drop_branch,
    drop_conjunct,
    drop_guard,
    drop_handler,
)
from .names import arguments, attributes, functions, variables
from .statements import (
    add_return,
    copy_statement,
    delete_statement,
    drop_compound,
    drop_return,
    drop_run,
    drop_statement,
)
from .swaps import (
    arithmetic,
    augmented,
    boolean,
    comparisons,
    constants,
    indexes,
    negation,
    off_by_one,
    plain_to_augmented,
)

TABLE: tuple[Operator, ...] = (
    Operator(kind="compare", family="one-token", weight=2.0, breaks=comparisons, repairs=comparisons),
    Operator(kind="arithmetic", family="one-token", weight=1.2, breaks=arithmetic, repairs=arithmetic),
    Operator(kind="augmented", family="one-token", weight=0.5, breaks=augmented, repairs=augmented),
    Operator(
        kind="plain-assign", family="one-token", weight=0.2,
        breaks=plain_to_augmented, repairs=plain_to_augmented,
    ),
    Operator(kind="constant", family="one-token", weight=1.5, breaks=constants, repairs=constants),
    Operator(kind="boolean", family="one-token", weight=0.6, breaks=boolean, repairs=boolean),
    Operator(kind="negation", family="one-token", weight=1.0, breaks=negation, repairs=negation),
    Operator(kind="index", family="one-token", weight=0.9, breaks=indexes, repairs=indexes),
    Operator(kind="off-by-one", family="one-token", weight=0.8, breaks=off_by_one, repairs=off_by_one),
    Operator(kind="variable", family="one-token", weight=2.0, breaks=variables, repairs=variables),
    Operator(kind="attribute", family="one-token", weight=1.0, breaks=attributes, repairs=attributes),
    Operator(kind="function", family="one-token", weight=1.0, breaks=functions, repairs=functions),
    Operator(kind="argument-swap", family="one-token", weight=0.7, breaks=arguments, repairs=arguments),
    Operator(kind="call", family="insertion", weight=3.0, breaks=drop_call, repairs=add_call),
    Operator(kind="argument", family="insertion", weight=1.8, breaks=drop_argument, repairs=add_argument),
    Operator(kind="part", family="insertion", weight=2.4, breaks=drop_part, repairs=add_part),
    Operator(kind="conjunct", family="insertion", weight=2.6, breaks=drop_conjunct, repairs=add_conjunct),
    Operator(kind="guard", family="insertion", weight=2.6, breaks=drop_guard, repairs=add_guard),
    Operator(kind="branch", family="insertion", weight=2.6, breaks=drop_branch, repairs=add_branch),
    Operator(kind="handler", family="insertion", weight=0.8, breaks=drop_handler, repairs=nothing),
    Operator(kind="statement", family="insertion", weight=2.2, breaks=drop_statement, repairs=nothing),
    Operator(kind="statements", family="insertion", weight=0.9, breaks=drop_run, repairs=nothing),
    Operator(
        kind="compound", family="insertion", weight=1.0,
        breaks=drop_compound, repairs=nothing,
    ),
    Operator(
        kind="return", family="insertion", weight=1.0,
        breaks=drop_return, repairs=add_return,
    ),
    Operator(
        kind="extra-statement", family="one-token", weight=0.3,
        breaks=copy_statement, repairs=delete_statement,
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
    """Every single edit that the table knows for a broken function, distinct and not a no-op.

    A few of them do not parse: to find that out costs more than to score them, so it is left to those who use them.

    Raises:
        SyntaxError: the source does not parse.
    """
    view = FunctionView(source, names)
    found: dict[str, Mutation] = {}
    for operator, edit in _interleaved(view):
        candidate = edit.apply(source)
        if candidate != source and candidate not in found:
            found[candidate] = Mutation(operator.kind, candidate, edit)
        if len(found) >= max_edits:
            break
    return list(found.values())


def _interleaved(view: FunctionView) -> Iterator[tuple[Operator, TextEdit]]:
    for operator in TABLE:
        for edit in operator.repairs(view):
            yield operator, edit


def _same_shape_differs(source: str, mutant: str) -> bool:
    """True when the mutant parses and is not the same program in another layout."""
    try:
        return ast.dump(parse_python(mutant)) != ast.dump(parse_python(source))
    except SyntaxError:
        return False
