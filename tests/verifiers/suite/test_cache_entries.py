"""One entry of the cache, its key, and the archive of compiled files."""

from __future__ import annotations

import os
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from verifiers import Snapshot, SuiteLimits, take_snapshot
from verifiers.suite.base.baseline import Measured
from verifiers.suite.base.cache import Cache, default_folder
from verifiers.suite.base.cache_key import cache_key
from verifiers.suite.base.compiled import unpack_compiled
from verifiers.suite.running.site import Interpreter, Site, open_site

from .projects import CALC, FIXED, TESTS, write_project

_LIMITS = SuiteLimits(trace_seconds=1)
MEASURED = Measured(
    arguments=("-q",),
    outcomes={"test_a.py::test_x": "failed", "test_a.py::test_y": "passed"},
    flaky=frozenset(),
    order_dependent=frozenset(),
    missing={},
    failures={},
    uncollected={},
    places={"test_a.py::test_x": ("test_a.py", 1)},
    durations={},
    seconds=1.0,
    warm=True,
    modules={},
    order=(),
    num_cold_runs=3,
    notes=(),
)


def _site(tmp_path: Path) -> tuple[Snapshot, Site]:
    snapshot = take_snapshot(write_project(tmp_path / "one" / "tree", {"test_a.py": ""}))
    python = Interpreter(executable="/nowhere/python", paths=(), plugins=())
    site = Site(
        folder=tmp_path / "one",
        place=str(snapshot.root),
        interpreter=python,
        isolation="namespaces",
    )
    return snapshot, site


def test_flaky_bases_are_known_for_a_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot, site = _site(tmp_path)
    cache = Cache(tmp_path / "cache", "key")
    cache.save(MEASURED, snapshot, site)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 25 * 3600)
    entry = cache.load()
    assert entry is not None
    assert entry.measured == MEASURED
    cache.add_flaky(["test_a.py::test_y"])
    assert cache.load() is None
    monkeypatch.setattr(time, "time", lambda: now + 23 * 3600)
    entry = cache.load()
    assert entry is not None
    assert entry.measured.flaky == {"test_a.py::test_y"}
    assert entry.measured.outcomes == {"test_a.py::test_x": "failed"}


def test_the_newest_entries_are_kept(tmp_path: Path) -> None:
    snapshot, site = _site(tmp_path)
    folder = tmp_path / "cache"
    for i in range(55):
        Cache(folder, f"key{i}").save(MEASURED, snapshot, site)
        os.utime(folder / f"key{i}.json", (i + 1, i + 1))
    assert {path.stem for path in folder.iterdir()} == {f"key{i}" for i in range(5, 55)}
    assert {path.suffix for path in folder.iterdir()} == {".json", ".zip"}
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_cannot_be_used_is_no_cache(tmp_path: Path) -> None:
    snapshot, site = _site(tmp_path)
    (tmp_path / "file").write_text("")
    cache = Cache(tmp_path / "file" / "cache", "key")
    cache.save(MEASURED, snapshot, site)
    assert cache.load() is None
    cache.forget()


def test_compiled_files_stay_where_they_belong(tmp_path: Path) -> None:
    write_project(tmp_path / "tree", {"pkg/a.py": ""})
    with zipfile.ZipFile(tmp_path / "odd.zip", "w") as archive:
        for name in (
            "pkg/__pycache__/a.pyc",
            "../__pycache__/a.pyc",
            "/tmp/__pycache__/a.pyc",
            "pkg/a.py",
            "gone/__pycache__/a.pyc",
        ):
            archive.writestr(name, b"x")
    unpack_compiled((tmp_path / "odd.zip").read_bytes(), tmp_path / "tree")
    found = {str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()}
    assert found == {"odd.zip", "tree/pkg/a.py", "tree/pkg/__pycache__/a.pyc"}
    assert (tmp_path / "tree/pkg/a.py").read_text() == ""


async def test_the_key_changes_with_all_that_decides(tmp_path: Path) -> None:
    packages = tmp_path / "lib" / "site-packages"
    packages.mkdir(parents=True)
    root = write_project(tmp_path / "project", {"calc.py": CALC, "test_calc.py": TESTS})
    found = await open_site(take_snapshot(root), None, "namespaces")
    python = replace(found.interpreter, paths=(str(packages),))

    def key(limits: SuiteLimits = _LIMITS, outside: bool = True) -> str:
        site = replace(found, interpreter=python)
        return cache_key(take_snapshot(root), site, limits, look_outside=outside)

    try:
        keys = [key(), key(SuiteLimits()), key(outside=False)]
        assert key() == keys[0]
        (packages / "thing-1.0.dist-info").mkdir()
        keys.append(key())
        (packages / "other.pth").write_text("/somewhere\n")
        keys.append(key())
        (packages / "other.pth").write_text("/elsewhere\n")
        keys.append(key())
        (found.tree / "calc.py").chmod(0o755)
        keys.append(key())
        (found.tree / "link").symlink_to("calc.py")
        keys.append(key())
        (root / "calc.py").write_text(FIXED)
        keys.append(key())
        assert len(set(keys)) == len(keys)
    finally:
        found.close()


def test_where_it_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert default_folder() == Path("/somewhere/winnow/baselines")
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", "/a/home")
    assert default_folder() == Path("/a/home/.cache/winnow/baselines")
