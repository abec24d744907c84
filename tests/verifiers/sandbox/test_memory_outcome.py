"""What the judge hears of limits on all processes together."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.verifiers.suite.projects import CALC, FIXED, TESTS, change_of, write_project
from verifiers import ProjectTests, SandboxLimits, SuiteLimits, take_snapshot
from verifiers.sandbox.cgroups import hierarchies

MANY_PROCESSES = """
import os
children = []
for _ in range(6):
    child = os.fork()
    if child == 0:
        held = bytearray(200 << 20)
        held[::4096] = b"x" * len(held[::4096])
        import time
        time.sleep(3)
        os._exit(0)
    children.append(child)
if [os.waitpid(child, 0)[1] for child in children] != [0] * 6:
    raise ValueError("a child was killed")
"""
FORKS = """
import os, time
while True:
    try:
        if os.fork() == 0:
            time.sleep(30)
            os._exit(0)
    except OSError:
        break
raise ValueError("no more processes")
"""


@pytest.mark.skipif(hierarchies().kind == "none", reason=f"no groups: {hierarchies().reason}")
async def test_memory_of_all_processes_together_is_an_outcome_of_its_own(tmp_path: Path) -> None:
    root = write_project(tmp_path, {"calc.py": CALC, "test_calc.py": TESTS})
    sandbox = SandboxLimits(memory_bytes=600 << 20)
    tests = ProjectTests(limits=SuiteLimits(startup_seconds=60, sandbox=sandbox))
    snapshot = take_snapshot(root)
    await tests.prepare(snapshot)
    verdict = await tests.verify(change_of(snapshot, {"calc.py": FIXED + MANY_PROCESSES}))
    assert verdict.outcome == "memory", verdict
    assert "run.memory" in {finding.kind for finding in verdict.findings}
    verdict = await tests.verify(change_of(snapshot, {"calc.py": FIXED + FORKS}))
    assert not verdict.passed
    assert (await tests.verify(change_of(snapshot, {"calc.py": FIXED}))).passed
    await tests.aclose()
