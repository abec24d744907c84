"""Only a proof makes a winner: who passed all that there is, and that is little, is the best that was found."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from agent import Agent, Run, Task
from agent.display import Display
from agent.levels import is_proof, level_reached
from agent.reports import new_folder, print_result, run_result, write_summary
from agent.sandboxing import weakness
from agent.types import Listener
from engine import ScriptedEngine
from verifiers import Change, Level, Verdict
from verifiers.sandbox import Report
from verifiers.sandbox.report import _without_namespaces

from .projects import RIGHT, InlineSuite, edit_line, judge_total, make_project


class WeakSuite(InlineSuite):
    """Its last word is no more than a second look."""

    async def confirm(self, change: Change) -> Verdict:
        return replace(await super().confirm(change), level="observed")


async def run(tmp_path: Path, hear: Listener) -> Run:
    project = make_project(tmp_path / "project")
    engine = ScriptedEngine([edit_line(RIGHT)])
    return await Agent(engine, tests=WeakSuite(judge_total), hear=hear).run(Task(repo=project))


async def test_what_is_only_observed_is_handed_back_as_that(tmp_path: Path) -> None:
    stream = io.StringIO()
    done = await run(tmp_path, Display(Console(file=stream, width=200)))
    assert (done.outcome, done.winner) == ("none", None)
    assert done.selection.best_partial == done.candidates[0]
    assert "not proved" in done.selection.reason
    assert "passed again, which is no more than observed" in stream.getvalue()
    result = run_result(done)
    assert result["winner"] is None
    assert result["best_partial"]["level"] == "observed"
    assert f"+{RIGHT}" in result["best_partial"]["patch"]
    shown = io.StringIO()
    print_result(result, Console(file=shown, width=200))
    for text in (shown.getvalue(), write_summary(result)):
        assert "no more than that was observed" in " ".join(text.split())
        assert "no candidate proved itself" in text
        assert "confirmed" not in text
        assert f"+{RIGHT}" in text
    folder = new_folder(tmp_path / "out", tmp_path / "project")
    folder.write(result)
    assert not (folder.path / "winner.patch").exists()


@pytest.mark.parametrize(
    ("level", "passed", "reached", "proof"),
    [
        ("observed", True, "observed", False),
        ("observed", False, "none", False),
        ("sealed", True, "sealed", False),
        ("sealed", False, "observed", False),
        ("confirmed", True, "confirmed", True),
        ("confirmed", False, "sealed", False),
        ("held_out", True, "held_out", True),
        ("held_out", False, "confirmed", False),
    ],
)
def test_the_ladder(level: Level, passed: bool, reached: Level, proof: bool) -> None:
    verdict = Verdict(verifier="tests", passed=passed, score=0.0, level=level)
    assert level_reached([verdict]) == reached
    assert is_proof(verdict) is proof
    assert level_reached([]) == "none"


def test_what_is_weaker_is_said_at_the_start() -> None:
    unsafe = {"isolation": "unsafe", "missing": ["overlay"], "strict": False}
    assert "each run starts a new Python" not in weakness(unsafe, "linux")
    assert "on darwin each run starts a new Python" in weakness(unsafe, "darwin")
    lacking = {"isolation": "namespaces", "missing": ["landlock", "groups"], "strict": False}
    assert weakness(lacking).startswith("the sandbox lacks landlock, groups; `winnow sandbox`")
    assert weakness({**lacking, "missing": []}) == ""
    assert weakness({**lacking, "isolation": "bubblewrap", "missing": None}) == ""


def test_systems_without_namespaces_are_told_what_runs_there() -> None:
    said = _without_namespaces("darwin")
    assert "`--isolation unsafe`" in said
    assert "with your rights" in said
    parts = Report().parts
    assert not any(part.in_force for part in parts)
    assert all(part.advice for part in parts)
