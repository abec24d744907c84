"""Cognitive complexity by Sonar's rules, one rule a test."""

import textwrap

import pytest

from verifiers.complexity.facts import unit_facts
from verifiers.complexity.units import units


def cognitive(source: str) -> int:
    first = next(iter(units(textwrap.dedent(source).encode())))
    return unit_facts(first).cognitive


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("return a", 0),
        ("if a: b()", 1),
        ("with a: b()", 0),
        ("return a if b else c", 1),
        ("return a if b else (c if d else e)", 3),
        ("return a and b and c", 1),
        ("return a and b or c", 2),
        ("return a or b and c or d", 3),
        ("return a and (b and c)", 1),
        ("return a and not (b and c)", 2),
        ("return [x for x in a]", 1),
        ("return [x for x in a if x]", 3),
        ("return [x for y in a for x in y]", 3),
        ("return {x: (1 if x else 2) for x in a}", 3),
        ("return lambda x: (1 if x else 2)", 2),
    ],
)
def test_cost_of_one_line(body: str, expected: int) -> None:
    assert cognitive(f"def f(a):\n    {body}\n") == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (["if a:", " b()", "else:", " c()"], 2),
        (["if a:", " b()", "elif c:", " d()", "elif e:", " g()"], 3),
        (["if a:", " b()", "elif c:", " if d:", "  e()", "else:", " g()"], 5),
        (["for x in a:", " if x:", "  b()"], 3),
        (["if a:", " for x in y:", "  if x and z:", "   b()"], 7),
        (["while a:", " b()", "else:", " c()"], 2),
        (["try:", " a()", "except E:", " if b:", "  c()"], 3),
        (["try:", " a()", "finally:", " if b:", "  c()"], 1),
        (["try:", " a()", "except E:", " b()", "except F:", " c()", "else:", " d()"], 3),
        (["match a:", " case 1:", "  if b:", "   c()", " case _:", "  d()"], 3),
        (["with a:", " if b:", "  c()"], 1),
    ],
)
def test_cost_of_a_block(body: list[str], expected: int) -> None:
    assert cognitive("\n ".join(["def f(a):", *body])) == expected


def test_inner_functions_nest_what_they_hold() -> None:
    assert (
        cognitive("def f():\n    a()\n    def g():\n        if b:\n            c()\n    return g")
        == 2
    )


def test_functions_that_only_wrap_do_not_nest() -> None:
    source = """
        def decorator(function):
            '''Say when it is called.'''
            def wrapper():
                if loud:
                    say()
                return function()
            return wrapper
        """
    assert cognitive(source) == 1


def test_recursion_counts_once() -> None:
    assert cognitive("def f(a):\n    return f(a - 1) + f(a - 2)") == 1
    assert cognitive("class A:\n    def f(self):\n        return self.f()") == 1
    assert cognitive("def f(a):\n    return a.f()") == 0


def test_a_comprehension_costs_as_much_as_its_loop() -> None:
    loop = "def f(a):\n b = []\n for x in a:\n  if x:\n   b.append(x)\n return b"
    assert cognitive(loop) == cognitive("def f(a):\n    return [x for x in a if x]")


def test_depth_costs_no_stack() -> None:
    assert cognitive("def f(a):\n    return " + " + ".join(["a"] * 1500)) == 0
