"""The operator table: forwards it breaks, backwards it repairs."""

from __future__ import annotations

import ast
import random
import sysconfig
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from engine.listing import list_definition
from engine.operators import FAMILY, TABLE, FunctionView, mutations, proposals
from engine.parsing import parses
from engine.train.corpus import functions_of

_MODULES = ("bisect", "textwrap", "statistics", "fnmatch", "colorsys")


def _library_functions() -> list[str]:
    root = Path(sysconfig.get_paths()["stdlib"])
    found = []
    for name in _MODULES:
        for _, node, lines in functions_of((root / f"{name}.py").read_text()):
            listing = list_definition(node, lines)
            if 4 <= len(listing.lines) <= 40:
                found.append(listing.source)
    return found


LIBRARY = _library_functions()


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(LIBRARY), st.integers(0, 1 << 30))
def test_mutants_parse_and_mean_something_else(source: str, seed: int) -> None:
    for mutant in mutations(source, random.Random(seed), 3):
        assert ast.dump(ast.parse(mutant.source)) != ast.dump(ast.parse(source))
        assert mutant.edit.apply(source) == mutant.source
        assert mutant.kind in FAMILY


@settings(max_examples=12, deadline=None)
@given(st.sampled_from(LIBRARY))
def test_proposals_are_distinct_change_something_and_nearly_all_parse(source: str) -> None:
    found = proposals(source, max_edits=200)
    assert len({p.source for p in found}) == len(found)
    assert source not in {p.source for p in found}
    assert sum(parses(p.source) for p in found) >= 0.9 * len(found)


@pytest.mark.parametrize(
    ("broken", "right"),
    [
        ("def f(a, b):\n    return a < b\n", "def f(a, b):\n    return a <= b\n"),
        ("def f(a):\n    return a + 1\n", "def f(a):\n    return a - 1\n"),
        ("def f(a):\n    return a[0]\n", "def f(a):\n    return a[-1]\n"),
        ("def f(a, b):\n    return g(b, a)\n", "def f(a, b):\n    return g(a, b)\n"),
        (
            "def f(a):\n    if a:\n        return 1\n",
            "def f(a):\n    if not a:\n        return 1\n",
        ),
        ("def f(s):\n    return s.split(',')\n", "def f(s):\n    return s.strip().split(',')\n"),
        ("def f(n):\n    return range(n)\n", "def f(n):\n    return range(n + 1)\n"),
        ("def f(s):\n    x = s\n    return x\n", "def f(s):\n    x = sorted(s)\n    return x\n"),
        (
            "def f(a, b):\n    if a:\n        return b\n",
            "def f(a, b):\n    if a and b:\n        return b\n",
        ),
        (
            "def f(a):\n    x = a.y\n    return x\n",
            "def f(a):\n    if a is None:\n        return x\n    x = a.y\n    return x\n",
        ),
        ("def f(a):\n    g(a)\n    a + 1\n", "def f(a):\n    g(a)\n    return a + 1\n"),
    ],
)
def test_enumeration_holds_the_repair(broken: str, right: str) -> None:
    wanted = ast.dump(ast.parse(right))
    assert wanted in {ast.dump(ast.parse(p.source)) for p in proposals(broken) if parses(p.source)}


@pytest.mark.parametrize(
    "kind", ["guard", "branch", "conjunct", "call", "argument", "statement", "return", "handler"]
)
def test_every_insertion_kind_is_made_from_real_code(kind: str) -> None:
    rng = random.Random(0)
    kinds = {m.kind for source in LIBRARY for m in mutations(source, rng, 12)}
    assert kind in kinds


def test_one_table_names_every_kind_once() -> None:
    kinds = [operator.kind for operator in TABLE]
    assert len(set(kinds)) == len(kinds)


def test_offsets_count_characters_where_bytes_differ() -> None:
    view = FunctionView("def f(a):\n    return 'äöü' + a < b\n")
    compare = next(n for n in view.nodes if isinstance(n, ast.Compare))
    assert view.text(compare.comparators[0]) == "b"
