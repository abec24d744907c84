from __future__ import annotations

import pytest

from agent.facts import candidate_facts, verdict_facts
from agent.types import Candidate
from engine import Sample
from verifiers import Change, FileChange, Verdict

BEFORE = b"def f(a):\n    b = a\n    return b\n"


@pytest.mark.parametrize(
    ("after", "edit"),
    [
        (BEFORE.replace(b"= a", b"= a + 1"), "m.py:2 b = a + 1"),
        (BEFORE.replace(b"    b = a\n", b""), "m.py:2 - b = a"),
        (BEFORE.replace(b"    b = a\n", b"    b = a\n    b += 1\n"), "m.py:3 b += 1"),
        (None, "m.py:1 - def f(a):"),
        (BEFORE, ""),
    ],
    ids=["changed", "removed", "added", "deleted", "equal"],
)
def test_the_first_changed_line_is_named(after: bytes | None, edit: str) -> None:
    change = Change({"pkg/m.py": FileChange(before=BEFORE, after=after)})
    one = Candidate(index=0, sample=Sample(text="", index=0, seed=0), change=change)
    assert candidate_facts(one)["edit"] == edit


def test_the_line_that_repeats_a_run_is_among_the_facts() -> None:
    command = "PYTHONHASHSEED=1 python -m pytest -q test_a.py"
    verdict = Verdict(verifier="tests", passed=True, score=1.0, command=command)
    assert verdict_facts(verdict)["command"] == command
