from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from verifiers import Change, ProjectTests, Snapshot, SuiteLimits, take_snapshot

from .projects import CALC, TESTS, change_of, write_project


@dataclass(frozen=True)
class Bench:
    """A prepared verifier with its base."""

    tests: ProjectTests
    snapshot: Snapshot

    def change(self, files: dict[str, str | None]) -> Change:
        return change_of(self.snapshot, files)


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def bench(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bench]:
    root = write_project(tmp_path_factory.mktemp("calc"), {"calc.py": CALC, "test_calc.py": TESTS})
    limits = SuiteLimits(test_seconds=4, startup_seconds=12)
    tests, snapshot = ProjectTests(limits=limits), take_snapshot(root)
    await tests.prepare(snapshot)
    yield Bench(tests, snapshot)
    await tests.aclose()
