"""Runs pytest and writes the outcome of every test as JSON.

A script for the interpreter of the tested package: it knows pytest and the standard library only.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import pytest


class Recorder:
    """Collects one outcome a test: a test that fails in any phase has failed."""

    def __init__(self) -> None:
        self.outcomes: dict[str, str] = {}
        self.uncollected: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Setup, call and teardown of a test end up in one outcome."""
        worst = self.outcomes.get(report.nodeid, "passed")
        if hasattr(report, "wasxfail"):
            worst = "xfailed"
        elif report.outcome != "passed" and worst != "failed":
            worst = report.outcome
        self.outcomes[report.nodeid] = worst

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Modules that cannot be imported."""
        if report.failed:
            self.uncollected.append(report.nodeid)


def main() -> int:
    """Arguments: the file to write, then the arguments of pytest."""
    recorder = Recorder()
    code = pytest.main(sys.argv[2:], plugins=[recorder])
    found = {
        "outcomes": recorder.outcomes,
        "uncollected": recorder.uncollected,
        "seconds": time.process_time(),
    }
    Path(sys.argv[1]).write_text(json.dumps(found))
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
