"""Clones are found through renaming and small additions, and strangers are not."""

import ast
import copy
import random
from pathlib import Path

import pytest

import verifiers
from verifiers.complexity.facts import UnitFacts, unit_facts
from verifiers.complexity.similarity import (
    MIN_BAG_MASS,
    Part,
    SimilarityIndex,
    Site,
    difference,
    repeated,
    whole_part,
)
from verifiers.complexity.units import MODULE, units

ROOT = Path(verifiers.__file__).parent

INVOICE = """
def invoice(order, prices):
    lines = []
    total = 0
    for article, quantity in sorted(order.items()):
        if article not in prices:
            raise KeyError(article)
        amount = prices[article] * quantity
        lines.append(f"{article}: {amount}")
        total += amount
    if total > 10000:
        total = total * 95 // 100
        lines.append("discount")
    lines.append(f"total: {total}")
    return "\\n".join(lines)
"""
RECEIPT = (
    INVOICE.replace("invoice", "receipt")
    .replace("total", "summed")
    .replace("article", "thing")
    .replace("    lines = []\n", "    log(order)\n    lines = []\n")
)
STRANGER = """
def shortest(graph, start, goal):
    queue = deque([(start, 0)])
    seen = {start}
    while queue:
        node, steps = queue.popleft()
        if node == goal:
            return steps
        for neighbour in graph[node]:
            if neighbour not in seen:
                seen.add(neighbour)
                queue.append((neighbour, steps + 1))
        if len(seen) > limit or steps > limit:
            raise RuntimeError(f"{start} is too far from {goal}: {steps}")
    return None
"""


def first(source: str) -> UnitFacts:
    return unit_facts(next(iter(units(source.encode()))))


def part(source: str, path: str = "new.py") -> Part:
    return whole_part(path, first(source))


@pytest.fixture
def index() -> SimilarityIndex:
    filled = SimilarityIndex()
    filled.add("shop.py", first(INVOICE))
    filled.add("graph.py", first(STRANGER))
    return filled


def test_find_names_the_function_that_was_copied(index: SimilarityIndex) -> None:
    (found,) = index.find(part(RECEIPT))
    assert (found.kind, found.other_path, found.other_name) == ("function", "shop.py", "invoice")
    assert 0.7 <= found.likeness < 1


def test_find_says_nothing_of_a_stranger(index: SimilarityIndex) -> None:
    other = "def f(a):\n" + "".join(f"    a.b{n}(a.c, {n} + a.d)[{n}].e()\n" for n in range(12))
    assert list(index.find(part(other))) == []


def test_find_says_nothing_of_small_functions(index: SimilarityIndex) -> None:
    small = part("def f(a):\n    if a not in b:\n        raise KeyError(a)\n")
    assert small.mass < MIN_BAG_MASS
    assert list(index.find(small)) == []


def test_find_ignores_the_sites_that_the_change_touches(index: SimilarityIndex) -> None:
    assert list(index.find(part(RECEIPT), {Site("shop.py", "invoice")})) == []


def test_find_names_a_large_statement_that_stands_elsewhere(index: SimilarityIndex) -> None:
    loop = STRANGER[STRANGER.index("    while") : STRANGER.index("    return None")]
    filler = "".join(f"    a = g{n}(a, [{n}, a], x={n})\n" for n in range(20))
    (found,) = index.find(part(f"def other(queue, seen, goal):\n{filler}{loop}    return a\n"))
    assert (found.kind, found.likeness, found.other_name) == ("block", 1.0, "shortest")
    assert (found.line, found.other_line) == (22, 5)


def test_repeated_counts_a_copy_inside_the_change_once() -> None:
    found = repeated([part(INVOICE, "a.py"), part(RECEIPT, "b.py")], SimilarityIndex(), ())
    assert [(one.path, one.other_path) for one in found] == [("b.py", "a.py")]


def test_difference_keeps_only_what_is_new() -> None:
    left = difference("shop.py", first(RECEIPT), first(INVOICE))
    assert list(left.statements.values()) == [1]
    assert not difference("shop.py", first(INVOICE), first(RECEIPT)).statements


def test_planted_clones_are_found_among_real_functions() -> None:
    """The shape of the measurement behind the thresholds: renamed, one statement more per block."""
    index, sources = SimilarityIndex(), {}
    for path in sorted(ROOT.rglob("*.py")):
        for unit in units(path.read_bytes()):
            facts = unit_facts(unit)
            index.add(path.name, facts)
            if unit.name != MODULE and sum(k.mass * n for k, n in facts.statements.items()) >= 90:
                sources[Site(path.name, unit.name)] = unit.node
    assert len(sources) >= 5
    chosen = random.Random(1).sample(sorted(sources), min(20, len(sources)))
    hits = sum(_finds(index, site, sources[site]) for site in chosen)
    assert hits >= 0.8 * len(chosen)


def _finds(index: SimilarityIndex, site: Site, node: ast.AST) -> bool:
    clone = copy.deepcopy(node)
    for one in ast.walk(clone):
        if isinstance(one, ast.Name):
            one.id = f"renamed_{one.id}"
    body: list[ast.stmt] = clone.body  # type: ignore[attr-defined]
    body.insert(1, ast.parse("note('here', 1)").body[0])
    found = index.find(part(ast.unparse(ast.fix_missing_locations(clone))))
    return any((one.other_path, one.other_name) == site for one in found)
