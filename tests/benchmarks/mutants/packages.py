"""Packages to take mutants from: unpacked source distributions whose own tests pass in the judge.

Everything lies in one folder outside the repository: `sdist/` (downloaded by name with pip),
`venv/` (their dependencies and pytest), `src/` (unpacked), and what `prepare` learns,
`packages/NAME.json`: outcome and seconds of every test, and which tests execute which lines.
"""

from __future__ import annotations

import json
import re
import subprocess
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from engine.train.denied import normalise_name

_RESERVED = """
    jmespath glom natsort intervaltree portion textdistance semver dictdiffer furl croniter
    hyperlink webcolors pytimeparse isodate num2words rfc3986 parsimonious pyrsistent construct
    python-box petl tablib deepdiff jsonpickle icalendar markdown2 dpath wtforms apispec
    sqlite-utils
"""
_TOOLS = """
    pytest coverage hypothesis pytest-mock freezegun pytz tzdata python-dateutil mock markupsafe
    email-validator PyYAML marshmallow
"""
RESERVED = tuple(_RESERVED.split())
"""Kept out of the training data by `engine.train.denied`, and not withheld by anyone else."""

_NO_SOURCE = {
    "test",
    "tests",
    "testing",
    "docs",
    "doc",
    "examples",
    "benchmarks",
    "setup",
    "conftest",
    "scripts",
    "build",
}


@dataclass(frozen=True, kw_only=True)
class Package:
    """One unpacked package and where its parts lie, relative to `root`."""

    name: str
    version: str
    root: Path
    source: str
    """The import package's folder, or its only file."""
    tests: tuple[str, ...]
    python: Path

    @property
    def import_root(self) -> Path:
        """What belongs on PYTHONPATH."""
        return (self.root / self.source).parent

    def pytest_arguments(self) -> list[str]:
        """Arguments that collect the whole suite, whatever options its own configuration asks
        for.
        """
        plain = [
            "-q",
            "-p",
            "no:cacheprovider",
            "--capture=sys",
            "--tb=short",
            "--continue-on-collection-errors",
            "--rootdir",
            ".",
        ]
        return [
            *plain,
            "-o",
            "addopts=",
            "-o",
            "filterwarnings=",
            "-o",
            "required_plugins=",
            *self.tests,
        ]


@dataclass(frozen=True)
class Survey:
    """What one run of a package's suite showed."""

    outcomes: Mapping[str, str]
    seconds: Mapping[str, float]
    """Processor seconds per test, under coverage."""
    lines: Mapping[str, Mapping[str, list[str]]]
    """Absolute path -> 1-based line -> tests that executed it."""

    @cached_property
    def total_seconds(self) -> float:
        """Processor seconds of the whole suite."""
        return sum(self.seconds.values())

    def covering(self, path: str, first: int, last: int) -> list[str]:
        """Passing tests that execute a line of `[first, last]`, the fastest first."""
        lines = self.lines.get(path, {})
        tests = {test for n in range(first, last + 1) for test in lines.get(str(n), ())}
        passing = [test for test in tests if self.outcomes.get(test) == "passed"]
        return sorted(passing, key=lambda test: (self.seconds[test], test))


def install(folder: Path) -> None:
    """Make `venv/`, download and unpack every reserved package, install what it needs. Packages
    that fail are left out.
    """
    pip = [str(_python(folder)), "-m", "pip", "--quiet", "--disable-pip-version-check"]
    if not _python(folder).exists():
        subprocess.run(["python3", "-m", "venv", str(folder / "venv")], check=True)
        subprocess.run([*pip, "install", *_TOOLS.split()], check=True)
    (folder / "sdist").mkdir(exist_ok=True)
    for name in RESERVED:
        if not _archive(folder, name):
            sources = ["--no-deps", "--no-binary", ":all:", "--dest", str(folder / "sdist")]
            subprocess.run([*pip, "download", *sources, name], check=False)
        archive = _archive(folder, name)
        if archive is not None and not (folder / "src" / name).exists():
            subprocess.run([*pip, "install", str(archive)], check=False)
            _unpack(archive, folder / "src" / name)


def unpacked(folder: Path) -> Iterator[Package]:
    """The packages under `src/` that have both sources and tests."""
    for root in sorted((folder / "src").iterdir()):
        source, tests = _find_source(root), tuple(_find_tests(root))
        if source is not None and tests:
            archive = _archive(folder, root.name)
            version = re.sub(r".*-|\.tar\.gz$", "", archive.name) if archive else ""
            yield Package(
                name=root.name,
                version=version,
                root=root,
                source=source,
                tests=tests,
                python=_python(folder),
            )


def save_survey(folder: Path, package: Package, survey: Survey) -> None:
    """Write `packages/NAME.json`."""
    (folder / "packages").mkdir(exist_ok=True)
    values = {**asdict(package), "root": str(package.root), "python": str(package.python)}
    path = folder / "packages" / f"{package.name}.json"
    path.write_text(json.dumps({"package": values, "survey": asdict(survey)}))


def load_surveys(folder: Path) -> Iterator[tuple[Package, Survey]]:
    """What `save_survey` wrote."""
    for path in sorted((folder / "packages").glob("*.json")):
        read: dict[str, Any] = json.loads(path.read_text())
        values = read["package"]
        yield (
            Package(
                name=values["name"],
                version=values["version"],
                root=Path(values["root"]),
                source=values["source"],
                tests=tuple(values["tests"]),
                python=Path(values["python"]),
            ),
            Survey(**read["survey"]),
        )


def _python(folder: Path) -> Path:
    return folder / "venv" / "bin" / "python"


def _archive(folder: Path, name: str) -> Path | None:
    for path in sorted((folder / "sdist").glob("*.tar.gz")):
        if normalise_name(path.name.rsplit("-", 1)[0]) == normalise_name(name):
            return path
    return None


def _unpack(archive: Path, root: Path) -> None:
    unpacking = root.with_suffix(".part")
    with tarfile.open(archive) as tar:
        tar.extractall(unpacking, filter="data")
    next(unpacking.iterdir()).rename(root)
    unpacking.rmdir()


def _find_source(root: Path) -> str | None:
    """`NAME/` or `NAME.py`, in the root, `src/` or `lib/`; the name as in the distribution where
    that exists.
    """
    wanted = root.name.replace("-", "_"), root.name.rsplit("-", 1)[-1]
    found = []
    for base in (root, root / "src", root / "lib"):
        folders = [path.parent for path in base.glob("*/__init__.py")]
        found += [p for p in [*folders, *base.glob("*.py")] if p.stem not in _NO_SOURCE]
    ranked = sorted(found, key=lambda p: (p.stem not in wanted, not p.is_dir()))
    return ranked[0].relative_to(root).as_posix() if ranked else None


def _find_tests(root: Path) -> Iterator[str]:
    """The outermost folders named `test` or `tests` that hold tests, else test files of the
    root.
    """
    seen: list[Path] = []
    for path in sorted([*root.rglob("test"), *root.rglob("tests")], key=lambda p: len(p.parts)):
        inside = any(outer in path.parents for outer in seen)
        if path.is_dir() and not inside and any(path.rglob("test*.py")):
            seen.append(path)
            yield path.relative_to(root).as_posix()
    if not seen:
        yield from (path.name for path in sorted(root.glob("test*.py")))
