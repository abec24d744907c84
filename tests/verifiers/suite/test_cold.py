"""A run from nothing: what it writes is memory and vanishes, the compiled files of the base are kept, nothing else is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from verifiers import SandboxLimits, take_snapshot
from verifiers.sandbox import sweep_scratch
from verifiers.sandbox.owner import own_name
from verifiers.suite.running.cold import run_cold
from verifiers.suite.running.limits import RunLimits
from verifiers.suite.running.runs import Request, Result
from verifiers.suite.running.site import Site, open_site

from .projects import write_project

SCRIPT = "#!/bin/sh\necho old\n"
TESTS = """\
import os, subprocess, sys
from pathlib import Path

def test_writes():
    Path("new.txt").write_text("x")
    Path("folder").mkdir()
    Path("folder/data.py").write_text("x = 1\\n")
    os.symlink("/etc/passwd", "__pycache__/stolen.pyc")

def test_script():
    assert subprocess.run(["./script"], capture_output=True, text=True).stdout == "new\\n"

def test_deleted():
    assert not os.path.exists("gone.txt")
    assert Path("deep/er/added.txt").read_text() == "added"
"""
LIMITS = RunLimits(seconds=60, test_seconds=20, output_bytes=1 << 20)
CHANGES = {"script": SCRIPT.replace("old", "new").encode(), "gone.txt": None}
CHANGES |= {"deep/er/added.txt": b"added"}


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    root = write_project(tmp_path, {"script": SCRIPT, "gone.txt": "x", "test_it.py": TESTS})
    (root / "script").chmod(0o755)
    site = await open_site(take_snapshot(root), None, "namespaces")
    yield site
    site.close()


async def run(site: Site, **options: object) -> Result:
    request = Request(limits=LIMITS, files=CHANGES)
    return await run_cold(site, request, SandboxLimits(), hash_seed=0, **options)  # type: ignore[arg-type]


async def test_the_changed_files_are_seen_and_writes_vanish(site: Site) -> None:
    before = sorted(site.tree.rglob("*"))
    result = await run(site)
    assert set(result.seen.outcomes.values()) == {"passed"}, result.tail
    assert len(result.seen.outcomes) == 3
    assert sorted(site.tree.rglob("*")) == before
    assert list(site.folder.parent.glob(f"{own_name()}*")) == [site.folder]
    sweep_scratch()
    assert site.tree.exists(), "what is in use is not swept"


async def test_compiled_files_of_the_base_are_kept_and_nothing_else(site: Site) -> None:
    before = set(site.tree.rglob("*"))
    assert set((await run(site, keep="compiled")).seen.outcomes.values()) == {"passed"}
    added = set(site.tree.rglob("*")) - before
    assert {path.suffix for path in added} == {"", ".pyc"}
    assert any("test_it" in path.name for path in added)
    assert not any(path.is_symlink() for path in added)
