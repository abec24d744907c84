"""The projects of the benchmark: source packages as published, each with one bug planted, and the change that mends it."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

from verifiers import Change, FileChange, Snapshot

_CALC = """\
def mean(values):
    return sum(values) / (len(values) + 1)


def double(value):
    return value * 2


def clamp(value, low, high):
    return max(low, min(high, value))
"""
_CALC_TESTS = """\
import pytest
from calc import clamp, double, mean


@pytest.mark.parametrize("values, wanted", [([1, 2, 3], 2), ([5], 5)])
def test_mean(values, wanted):
    assert mean(values) == wanted


def test_double():
    assert double(4) == 8


@pytest.mark.parametrize("value, wanted", [(-1, 0), (9, 5), (3, 3)])
def test_clamp(value, wanted):
    assert clamp(value, 0, 5) == wanted
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """One project. `requirement` names the source package; empty for the small one that is written here."""

    name: str
    requirement: str
    file: str
    """Where the bug is."""
    right: str
    wrong: str
    target: str
    """A test that is red because of it."""
    without: tuple[str, ...] = ()
    """Files of tests that hang or need something that is not there."""

    def changes(self, snapshot: Snapshot, count: int) -> tuple[list[Change], list[Change]]:
        """As many different changes that mend it, and as many that leave it as it is."""
        base = snapshot.read(self.file)
        fixed = base.replace(self.wrong.encode(), self.right.encode())
        return (
            [_change(self.file, base, fixed, number) for number in range(count)],
            [_change(self.file, base, base, number) for number in range(count)],
        )


PROJECTS = (
    Project(
        name="six_tests",
        requirement="",
        file="calc.py",
        right="len(values)\n",
        wrong="(len(values) + 1)\n",
        target="test_calc.py::test_mean",
    ),
    Project(
        name="toolz",
        requirement="toolz==1.0.0",
        file="toolz/itertoolz.py",
        right="    seq = iter(seq)\n    next(seq)\n    return next(seq)\n",
        wrong="    seq = iter(seq)\n    return next(seq)\n",
        target="toolz/tests/test_itertoolz.py::test_second",
    ),
    Project(
        name="boltons",
        requirement="boltons==26.2.0",
        file="boltons/mathutils.py",
        right="return min(max(x, lower), upper)",
        wrong="return max(min(x, lower), upper)",
        target="tests/test_mathutils.py",
    ),
    Project(
        name="pandas_schema",
        requirement="pandas_schema==0.3.6",
        file="pandas_schema/validation.py",
        right="return (series >= self.min) & (series < self.max)",
        wrong="return (series > self.min) & (series < self.max)",
        target="test/test_validation.py::InRange",
    ),
)


def prepare(folder: Path) -> None:
    """Download the packages, plant the bugs, make an environment with pytest, numpy and pandas; what is there stays."""
    folder.mkdir(parents=True, exist_ok=True)
    if not python_of(folder).exists():
        subprocess.run([sys.executable, "-m", "venv", folder / "environment"], check=True)
        _pip(python_of(folder), "install", "pytest", "numpy", "pandas")
    for project in PROJECTS:
        if not (root := folder / project.name).exists():
            _unpack(project, root)
            _plant(project, root)


def python_of(folder: Path) -> Path:
    """The interpreter that runs all tests."""
    return folder / "environment" / "bin" / "python"


def _unpack(project: Project, root: Path) -> None:
    if not project.requirement:
        root.mkdir()
        (root / "calc.py").write_text(_CALC)
        (root / "test_calc.py").write_text(_CALC_TESTS)
        return
    with tempfile.TemporaryDirectory() as scratch:
        sources = ("--no-deps", "--no-binary=:all:")
        _pip(Path(sys.executable), "download", *sources, "-d", scratch, project.requirement)
        archive = next(Path(scratch).glob("*.tar.gz"))
        with tarfile.open(archive) as packed:
            packed.extractall(scratch, filter="data")
        next(path for path in Path(scratch).iterdir() if path.is_dir()).rename(root)


def _plant(project: Project, root: Path) -> None:
    path = root / project.file
    text = path.read_text(encoding="utf-8")
    if project.wrong in text:
        return
    if text.count(project.right) != 1:
        raise SystemExit(f"{path}: the text to change is there {text.count(project.right)} times")
    path.write_text(text.replace(project.right, project.wrong), encoding="utf-8")


def _change(path: str, before: bytes, after: bytes, number: int) -> Change:
    text = after + f"\n# candidate {number}\n".encode()
    return Change({path: FileChange(before=before, after=text)})


def _pip(python: Path, *words: str) -> None:
    command = [python, "-m", "pip", "--quiet", "--disable-pip-version-check", *words]
    subprocess.run(list(map(str, command)), check=True)
