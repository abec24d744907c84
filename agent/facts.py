"""What is known of a candidate as JSON values: in events, in results, in reports."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import zip_longest
from typing import Any

from agent.types import Candidate
from verifiers import Change, Verdict


def candidate_facts(candidate: Candidate) -> Mapping[str, Any]:
    """A candidate in short, without its text."""
    return {
        "index": candidate.index,
        "seed": candidate.sample.seed,
        "source": candidate.sample.source,
        "score": _number(candidate.sample.score),
        "passed": candidate.passed,
        "fault": candidate.fault,
        "duplicate_of": candidate.duplicate_of,
        "change": candidate.change.digest if candidate.change else None,
        "paths": sorted(candidate.change.files) if candidate.change else [],
        "edit": _first_edit(candidate.change) if candidate.change else "",
        "verdicts": [verdict_facts(verdict) for verdict in candidate.verdicts],
    }


def verdict_facts(verdict: Verdict) -> Mapping[str, Any]:
    """A verdict in short; of the tests only those that did not pass."""
    return {
        "verifier": verdict.verifier,
        "passed": verdict.passed,
        "score": _number(verdict.score),
        "outcome": verdict.outcome,
        "level": verdict.level,
        "seconds": _number(verdict.seconds),
        "phases": {phase: _number(seconds) for phase, seconds in verdict.phases.items()},
        "command": verdict.command,
        "num_tests": len(verdict.tests),
        "not_passed": {test: end for test, end in sorted(verdict.tests.items()) if end != "passed"},
        "findings": [
            {"kind": one.kind, "message": one.message, "path": one.path, "line": one.line}
            for one in verdict.findings
        ],
    }


def _first_edit(change: Change) -> str:
    """Where a change begins, and the first line that it makes: `reader.py:33 return total`."""
    for path, file in sorted(change.files.items()):
        before, after = (_lines(content) for content in (file.before, file.after))
        pairs = zip_longest(before, after)
        for number, (old, new) in enumerate(pairs, start=1):
            if old != new:
                name = path.rpartition("/")[2]
                is_removed = len(after) < len(before) and new in before[number:]
                return f"{name}:{number} {'- ' + old if is_removed or new is None else new}"
    return ""


def _lines(content: bytes | None) -> list[str]:
    return [line.strip() for line in (content or b"").decode("utf-8", "replace").split("\n")]


def _number(value: float) -> float | None:
    """JSON has no infinity: a row that said nothing has no score."""
    return round(value, 4) if math.isfinite(value) else None
