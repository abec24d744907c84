import pytest

from verifiers.complexity.units import MODULE, units

SOURCE = b"""\
import os

LIMIT = 3

@cached
def first(a):
    def inner():
        return a
    return inner

class Shop:
    name = "shop"

    @property
    def size(self):
        return 1

    @size.setter
    def size(self, value):
        pass

if LIMIT:
    def late():
        return 2
"""


def test_units_are_functions_methods_and_the_rest() -> None:
    found = {unit.name: unit.line for unit in units(SOURCE)}
    assert found == {"first": 5, "Shop.size": 14, "Shop.size#2": 18, "late": 23, MODULE: 1}


def test_digests_change_with_their_own_unit_only() -> None:
    before = {unit.name: unit.digest for unit in units(SOURCE)}
    after = {unit.name: unit.digest for unit in units(SOURCE.replace(b"return 2", b"return 3"))}
    assert {name for name in before if before[name] != after[name]} == {"late"}


def test_moving_a_unit_down_keeps_its_digest() -> None:
    before = {unit.name: unit.digest for unit in units(SOURCE)}
    after = {unit.name: unit.digest for unit in units(b"# new\n" + SOURCE)}
    assert {name for name in before if before[name] != after[name]} == {MODULE}


@pytest.mark.parametrize("source", [b"def f(:", b"a = '\0'", b"\xff", b"(" * 300])
def test_units_raises_on_what_is_not_python(source: bytes) -> None:
    with pytest.raises(SyntaxError):
        list(units(source))


def test_units_reads_odd_escapes_without_a_warning() -> None:
    assert [unit.name for unit in units(b"def f():\n    return '\\d'\n")] == ["f", MODULE]
