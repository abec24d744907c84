"""What may change in a function without changing its facts, and what may not."""

import ast
import keyword
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

import verifiers
from verifiers.complexity.facts import UnitFacts, unit_facts
from verifiers.complexity.units import units

SOURCES = sorted(Path(verifiers.__file__).parent.rglob("*.py"))
NAMES = st.from_regex(r"[a-z_][a-z0-9_]{0,8}", fullmatch=True).filter(
    lambda name: not keyword.iskeyword(name) and name not in ("self", "cls")
)


def facts(source: str) -> list[UnitFacts]:
    return [unit_facts(unit) for unit in units(source.encode())]


def shapes(source: str) -> list[tuple[object, ...]]:
    return [
        (one.mass, one.cognitive, one.statements, [tree.fingerprint for tree in one.subtrees])
        for one in facts(source)
    ]


class Renamed(ast.NodeTransformer):
    """Every name gets a new one, the same for the same; every number and text another."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix

    def visit_Name(self, node: ast.Name) -> ast.AST:
        node.id = node.id if node.id in ("self", "cls") else self._prefix + node.id
        return node

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.arg = node.arg if node.arg in ("self", "cls") else self._prefix + node.arg
        return self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.name = self._prefix + node.name
        return self.generic_visit(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        node.name = self._prefix + node.name
        return self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        node.attr = self._prefix + node.attr
        return self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        if type(node.value) is int:
            node.value += 1
        return node


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_reformatting_changes_nothing(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert shapes(ast.unparse(ast.parse(source))) == shapes(source)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
@settings(max_examples=2, deadline=None)
@given(prefix=NAMES)
def test_renaming_changes_nothing(path: Path, prefix: str) -> None:
    source = path.read_text(encoding="utf-8")
    renamed = ast.unparse(Renamed(f"x_{prefix}_").visit(ast.parse(source)))
    assert shapes(renamed) == shapes(source)


def test_hints_and_docstrings_weigh_nothing() -> None:
    typed = (
        "def f(a: int, *, b: str = '') -> list[int]:\n"
        "    'Doc.'\n    c: int\n    c: int = a\n    return [c]\n"
    )
    plain = "def f(a, *, b=''):\n    c = a\n    return [c]\n"
    assert shapes(typed) == shapes(plain)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("return a + b", "return a - b"),
        ("return a[b:]", "return a[:b]"),
        ("return a < b", "return a <= b"),
        ("return f(a)", "return f(b=a)"),
    ],
)
def test_statements_differ_where_the_code_does(one: str, other: str) -> None:
    first, second = (facts(f"def f():\n    {body}")[0].statements for body in (one, other))
    assert first != second


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("if a:\n        b()\n        c()", "if a:\n        b()\n    c()"),
        ("if a:\n        b()\n    else:\n        c()", "if a:\n        b()\n        c()"),
    ],
)
def test_subtrees_differ_where_the_nesting_does(one: str, other: str) -> None:
    filler = "    a = [a, a, a, a, a, a, a, a, a, a]\n" * 5
    first, second = (facts(f"def f():\n{filler}    {body}")[0].subtrees for body in (one, other))
    assert first[0].fingerprint.hash != second[0].fingerprint.hash


BRANCHES = ["if a:", "while a:", "for a in b:", "with a:", "try:"]


@settings(max_examples=60, deadline=None)
@given(nest=st.lists(st.sampled_from(BRANCHES), max_size=5), where=st.integers(0, 5))
def test_adding_a_branch_raises_cognitive(nest: list[str], where: int) -> None:
    more = [*nest[: min(where, len(nest))], "if extra:", *nest[min(where, len(nest)) :]]
    assert facts(nested(more))[0].cognitive > facts(nested(nest))[0].cognitive
    assert facts(nested(more))[0].mass > facts(nested(nest))[0].mass


def nested(heads: list[str]) -> str:
    lines = ["def f(a, b):"]
    lines += ["    " * (depth + 1) + head for depth, head in enumerate(heads)]
    lines += ["    " * (len(heads) + 1) + "call()"]
    for depth in reversed(range(len(heads))):
        if heads[depth] == "try:":
            lines += ["    " * (depth + 1) + "finally:", "    " * (depth + 2) + "done()"]
    return "\n".join(lines)


def test_overloads_and_stubs_leave_no_shapes() -> None:
    source = "@overload\ndef f(a): ...\ndef g(a):\n    '''Doc.'''\n    raise NotImplementedError"
    assert all(not one.statements and not one.subtrees for one in facts(source))


def test_fields_and_declared_arguments_leave_no_shapes() -> None:
    source = (
        "class A:\n    def __init__(self, a):\n        self.a = a\n        self.b = 1\n"
        "def declare(parser):\n    parser.add_argument('--a')\n    return parser\n"
    )
    by_name = {one.name: one for one in facts(source)}
    assert not by_name["A.__init__"].statements
    assert sum(by_name["declare"].statements.values()) == 1
