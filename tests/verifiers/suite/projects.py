"""Small projects that the tests of the suite verifier judge."""

from __future__ import annotations

from pathlib import Path

from verifiers import Change, FileChange, Snapshot

CALC = """\
import math


def mean(values):
    total = 0
    for value in values:
        total += value
    return total / (len(values) + 1)


def spread(values):
    middle = mean(values)
    return math.sqrt(sum((v - middle) ** 2 for v in values))


def double(value):
    return value * 2


def clamp(value, low, high):
    return max(low, min(high, value))
"""

TESTS = """\
import pytest

from calc import clamp, double, mean


@pytest.mark.parametrize("values, wanted", [([1, 2, 3], 2), ([5], 5)])
def test_mean(values, wanted):
    assert mean(values) == wanted


def test_double():
    assert double(4) == 8


def test_clamp_low():
    assert clamp(-1, 0, 5) == 0


def test_clamp_high():
    assert clamp(9, 0, 5) == 5


def test_double_of_text():
    with pytest.raises(TypeError):
        double(None)
"""

FIXED = CALC.replace("(len(values) + 1)", "len(values)")
TARGETS = ("test_calc.py::test_mean[values0-2]", "test_calc.py::test_mean[values1-5]")


def write_project(root: Path, files: dict[str, str]) -> Path:
    """Write files below `root`."""
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    return root


def change_of(snapshot: Snapshot, files: dict[str, str | None]) -> Change:
    """A change that leaves files with these texts; None deletes."""
    return Change(
        files={
            path: FileChange(
                before=snapshot.read(path) if path in snapshot.files else None,
                after=None if text is None else text.encode(),
            )
            for path, text in files.items()
        }
    )
