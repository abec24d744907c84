from __future__ import annotations

import io
import json
import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from agent.errors import ConfigError, JournalError
from agent.reports import (
    failure_result,
    find_run,
    new_folder,
    print_result,
    read_result,
    run_result,
    write_summary,
)
from agent.types import Candidate, Run, Selection, Task
from engine import Sample
from verifiers import Change, FileChange, Finding, Verdict

CHANGE = Change({"a b.py": FileChange(before=b"x = 1\n", after=b"x = '```'\n")})
FINDING = Finding(kind="test.failed", message="no", path="tests/t.py", line=3)


def candidate(index: int, *, passed: bool = True, level: str = "observed") -> Candidate:
    tests = Verdict(
        verifier="tests",
        passed=passed,
        score=1.0 if passed else 0.45,
        outcome="passed" if passed else "failed",
        level="confirmed" if level == "confirmed" else "observed",
        findings=() if passed else (FINDING,),
        tests={"t::a": "passed", "t::b": "passed" if passed else "failed"},
    )
    complexity = Verdict(verifier="complexity", passed=True, score=0.5, outcome="passed")
    return Candidate(
        index=index,
        sample=Sample(text="", index=index, seed=index, score=-math.inf),
        change=CHANGE,
        verdicts=(complexity, tests),
    )


def run_of(
    winner: Candidate | None, candidates: tuple[Candidate, ...], partial: Candidate | None = None
) -> Run:
    selection = Selection(winner=winner, reason="so it is", num_agreeing=1, best_partial=partial)
    return Run(
        task=Task(repo=Path("repo")),
        outcome="winner" if winner else "none",
        selection=selection,
        candidates=candidates,
        seconds={"total": 1.23456},
        notes=("a note",),
    )


WON = run_of(candidate(1, level="confirmed"), (candidate(0, passed=False), candidate(1)))
LOST = run_of(None, (candidate(0, passed=False),), candidate(0, passed=False))


def printed(result: dict[str, object]) -> str:
    stream = io.StringIO()
    print_result(result, Console(file=stream, width=120))
    return stream.getvalue()


@pytest.mark.parametrize("run", [WON, LOST])
def test_a_result_is_json_and_says_everything(run: Run) -> None:
    result = json.loads(json.dumps(run_result(run), allow_nan=False))
    assert result["schema_version"] == 1
    assert result["outcome"] == run.outcome
    assert len(result["candidates"]) == len(run.candidates)
    assert {"reason", "winner", "seconds", "manifest", "notes"} <= result.keys()
    assert result["candidates"][0]["verdicts"][1]["not_passed"] == {"t::b": "failed"}


def test_a_winner_is_shown_with_its_diff_and_why() -> None:
    text = printed(run_result(WON))
    assert "candidate 1 proved itself: a b.py" in text
    assert "so it is" in text
    assert CHANGE.patch() in text
    assert "note: a note" in text


def test_no_winner_says_what_came_closest() -> None:
    text = printed(run_result(LOST))
    assert "no candidate proved itself" in text
    assert "1 of 2 tests passed, not t::b" in text
    assert "proved itself: a b.py" not in text


def test_long_tables_are_cut_and_say_so() -> None:
    many = tuple(candidate(i, passed=False) for i in range(50))
    result = run_result(run_of(None, many))
    assert "30 more candidates" in printed(result)
    assert "30 more are in events.jsonl" in write_summary(result)


def test_a_summary_cannot_be_closed_by_the_patch() -> None:
    summary = write_summary(run_result(WON))
    assert "## winnow: candidate 1 proved itself" in summary
    assert "```diff\n" in summary
    broken = replace(CHANGE, files={"a.md": FileChange(before=None, after=b"````\nx\n")})
    won = replace(WON.selection, winner=replace(candidate(1), change=broken))
    assert "`````diff" not in summary
    assert "diff\n" in write_summary(run_result(replace(WON, selection=won)))


def test_every_outcome_can_be_shown() -> None:
    for outcome in ("none", "base_wrong", "budget", "failed", "tampered", "interrupted"):
        result = failure_result(outcome, "for a reason", "repo")
        assert "for a reason" in printed(result)
        assert "for a reason" in write_summary(result)


def test_a_folder_holds_a_run_and_is_found_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    repo = tmp_path / "my repo"
    repo.mkdir()
    with pytest.raises(ConfigError, match="no run is kept"):
        find_run("last")
    folder = new_folder(None, repo)
    assert folder.path.parent == tmp_path / "state" / "winnow"
    folder.write(run_result(WON))
    assert (folder.path / "winner.patch").read_text() == CHANGE.patch()
    for name in ("last", folder.path.name, str(folder.path)):
        assert find_run(name).path.resolve() == folder.path.resolve()
    assert read_result(find_run("last"))["outcome"] == "winner"
    with pytest.raises(ConfigError, match="no run 'other'"):
        find_run("other")


def test_an_old_winner_does_not_outlive_a_new_run(tmp_path: Path) -> None:
    folder = new_folder(tmp_path / "out", tmp_path / "repo")
    folder.write(run_result(WON))
    assert new_folder(tmp_path / "out", tmp_path / "repo") == folder
    assert list((tmp_path / "out").iterdir()) == []
    folder.write(run_result(LOST))
    assert not (tmp_path / "out" / "winner.patch").exists()


def test_who_follows_the_log_never_loses_it(tmp_path: Path) -> None:
    script = """
import pathlib, sys
opened = []
sys.addaudithook(lambda event, args: event in ("open", "os.remove") and opened.append(args[0]))
from agent.reports import new_folder
new_folder(pathlib.Path("out"), pathlib.Path("repo"))
opened = [str(name) for name in opened]
print([name for name in opened if name.endswith("events.jsonl")])
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout == "['out/events.jsonl']\n"  # the removal of an old one, and no more


def test_folders_that_cannot_be_used(tmp_path: Path) -> None:
    repo = tmp_path / "repo"
    repo.mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="cannot be written"):
        new_folder(tmp_path / "file" / "out", repo)
    for inside in (repo, repo / "out"):
        with pytest.raises(ConfigError, match="lies in the repository"):
            new_folder(inside, repo)
    assert new_folder(repo / ".winnow" / "run", repo).path.is_dir()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema_version": 99}'])
def test_results_that_cannot_be_read(tmp_path: Path, text: str) -> None:
    (tmp_path / "result.json").write_text(text)
    with pytest.raises(JournalError, match=r"result\.json"):
        read_result(find_run(str(tmp_path)))
