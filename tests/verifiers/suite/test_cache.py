"""What is kept of a base: it starts at once, proves nothing, and is worth nothing when anything changed."""

from __future__ import annotations

import json
import marshal
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from verifiers import BaseStateError, ProjectTests, Snapshot, SuiteLimits, take_snapshot
from verifiers.suite.base.compiled import pack_compiled, unpack_compiled
from verifiers.suite.confirming import confirm_from_nothing

from .projects import CALC, FIXED, TARGETS, TESTS, change_of, write_project

LIMITS = SuiteLimits(baseline_seconds=0)
COUNTING = "import pathlib\npathlib.Path({log!r}).open('a').write('x')\n"


@asynccontextmanager
async def prepared(tests: ProjectTests, snapshot: Snapshot) -> AsyncIterator[ProjectTests]:
    await tests.prepare(snapshot)
    try:
        yield tests
    finally:
        await tests.aclose()


def _tests(folder: Path, targets: tuple[str, ...] = ()) -> ProjectTests:
    """Without a sandbox, so that what runs can be counted outside."""
    return ProjectTests(cache=folder, limits=LIMITS, isolation="unsafe", targets=targets)


def _project(tmp_path: Path, log: Path) -> Snapshot:
    conftest = COUNTING.format(log=str(log))
    files = {"calc.py": CALC, "test_calc.py": TESTS, "conftest.py": conftest}
    return take_snapshot(write_project(tmp_path / "project", files))


def _num_runs(log: Path) -> int:
    """Runs since the last question."""
    found = len(log.read_text()) if log.exists() else 0
    log.unlink(missing_ok=True)
    return found


async def test_a_known_base_is_not_run_whatever_is_asked_of_it(tmp_path: Path) -> None:
    log, folder = tmp_path / "log", tmp_path / "cache"
    snapshot = _project(tmp_path, log)
    async with prepared(_tests(folder), snapshot) as tests:
        first = tests.baseline
        assert _num_runs(log) == 2, "cold and warm"
    async with prepared(_tests(folder, targets=(TARGETS[1],)), snapshot) as tests:
        assert _num_runs(log) == 0
        assert tests.baseline.targets == (TARGETS[1],)
        again = replace(tests.baseline, targets=first.targets, modules={})
        assert again == replace(first, modules={})
    async with prepared(_tests(folder), snapshot) as tests:
        verdict = await tests.verify(change_of(snapshot, {"calc.py": FIXED}))
        assert verdict.passed
        _num_runs(log)
        assert (await tests.confirm(change_of(snapshot, {"calc.py": FIXED}))).level == "confirmed"
        assert _num_runs(log) >= 5, "the base, the exam, and the confirmation"
    with pytest.raises(BaseStateError, match="did you mean"):
        await _tests(folder, targets=("test_calc.py::test_mena",)).prepare(snapshot)


async def test_a_tree_that_was_only_touched_is_compiled_anew(tmp_path: Path) -> None:
    log, folder = tmp_path / "log", tmp_path / "cache"
    snapshot = _project(tmp_path, log)
    async with prepared(_tests(folder), snapshot):
        _num_runs(log)
    os.utime(snapshot.root / "calc.py", (1_000_000_000, 1_000_000_000))
    for num_runs in (1, 0):
        async with prepared(_tests(folder), take_snapshot(snapshot.root)) as tests:
            assert _num_runs(log) == num_runs
            assert tests.baseline.targets == TARGETS


async def test_without_a_cache_nothing_is_kept(tmp_path: Path) -> None:
    log = tmp_path / "log"
    snapshot = _project(tmp_path, log)
    for _ in range(2):
        tests = ProjectTests(cache=False, limits=LIMITS, isolation="unsafe")
        async with prepared(tests, snapshot):
            assert _num_runs(log) == 2


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-40])


def _swap(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b'"failed"', b'"passed"'))


def _empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize("damage", [_cut, _swap, _empty])
async def test_a_damaged_file_is_no_file(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    log, folder = tmp_path / "log", tmp_path / "cache"
    snapshot = _project(tmp_path, log)
    async with prepared(_tests(folder), snapshot):
        _num_runs(log)
    (path,) = folder.glob("*.json")
    damage(path)
    async with prepared(_tests(folder), snapshot) as tests:
        assert _num_runs(log) == 2
        assert tests.baseline.targets == TARGETS


async def test_damaged_compiled_files_are_made_anew(tmp_path: Path) -> None:
    log, folder = tmp_path / "log", tmp_path / "cache"
    snapshot = _project(tmp_path, log)
    async with prepared(_tests(folder), snapshot):
        _num_runs(log)
    (path,) = folder.glob("*.zip")
    _cut(path)
    async with prepared(_tests(folder), snapshot):
        assert _num_runs(log) == 1


def _forge(folder: Path, change: Callable[[dict[str, object]], None]) -> None:
    """Change an entry as somebody would who knows how it is made."""
    (path,) = folder.glob("*.json")
    entry = json.loads(path.read_bytes().partition(b"\n")[2])
    change(entry["measured"]["outcomes"])
    text = json.dumps(entry).encode()
    path.write_bytes(sha256(text).hexdigest().encode() + b"\n" + text)


def _forget_a_green_test(outcomes: dict[str, object]) -> None:
    outcomes["test_calc.py::test_double"] = "failed"


async def test_a_forged_entry_proves_nothing(tmp_path: Path) -> None:
    log, folder = tmp_path / "log", tmp_path / "cache"
    snapshot = _project(tmp_path, log)
    async with prepared(_tests(folder), snapshot):
        pass
    _forge(folder, _forget_a_green_test)
    breaking = change_of(snapshot, {"calc.py": FIXED.replace("value * 2", "value * 3")})
    async with prepared(_tests(folder, targets=TARGETS), snapshot) as tests:
        assert (await tests.verify(breaking)).passed, "the cache says that it was red before"
        verdict = await tests.confirm(breaking)
        assert (verdict.passed, verdict.outcome) == (False, "failed")
        assert "test_calc.py::test_double" in tests.baseline.must_pass
        assert (await tests.confirm(change_of(snapshot, {"calc.py": FIXED}))).passed
    _num_runs(log)
    async with prepared(_tests(folder), snapshot) as tests:
        assert tests.baseline.outcomes["test_calc.py::test_double"] == "passed"


async def test_forged_compiled_files_prove_nothing(tmp_path: Path) -> None:
    log, folder = tmp_path / "log", tmp_path / "cache"
    snapshot = _project(tmp_path, log)
    async with prepared(_tests(folder), snapshot):
        pass
    (archive,) = folder.glob("*.zip")
    tree = tmp_path / "unpacked"
    write_project(tree, dict.fromkeys(snapshot.files, ""))
    unpack_compiled(archive.read_bytes(), tree)
    _write_green_tests(tree)
    archive.write_bytes(pack_compiled(tree))
    (path,) = folder.glob("*.json")
    entry = json.loads(path.read_bytes().partition(b"\n")[2])
    entry["archive"] = sha256(archive.read_bytes()).hexdigest()
    text = json.dumps(entry).encode()
    path.write_bytes(sha256(text).hexdigest().encode() + b"\n" + text)
    worthless = change_of(snapshot, {"calc.py": CALC + "# nothing\n"})
    async with prepared(_tests(folder), snapshot) as tests:
        assert (await tests.verify(worthless)).passed, "the tests that run are not the project's"
        assert not (await confirm_from_nothing(tests._ready, worthless, {})).passed
        assert not (await tests.confirm(worthless)).passed


def _write_green_tests(tree: Path) -> None:
    """Make compiled tests that pass, with the head of the real ones, so that they are taken for fresh."""
    names = ["test_double", "test_clamp_low", "test_clamp_high", "test_double_of_text"]
    text = "import pytest\n@pytest.mark.parametrize('values, wanted', [([1, 2, 3], 2), ([5], 5)])\n"
    text += "def test_mean(values, wanted): pass\n"
    text += "".join(f"def {name}(): pass\n" for name in names)
    for path in tree.glob("__pycache__/test_calc.*.pyc"):
        code = marshal.dumps(compile(text, "test_calc.py", "exec"))
        path.write_bytes(path.read_bytes()[:16] + code)
