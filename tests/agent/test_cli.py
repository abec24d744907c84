"""The command line as a user meets it: real processes, real suites, no model."""

from __future__ import annotations

import difflib
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from agent.journal import read_events
from tests.agent.edits.strategies import tree_bytes
from tests.agent.projects import FAULT, PRICE, RIGHT, TARGET, TESTS, edit_line, make_project

WRONG = "    if len(prices) < LIMIT:"
CONTRADICTION = (
    TESTS
    + """

    def test_discount_begins_above_the_limit():
        assert total([1] * 10, discount=3) == 10
"""
)
SLOW = 'import time\n\n\ndef test_slow():\n    time.sleep(60)\n    raise AssertionError("never")\n'


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return make_project(tmp_path / "project")


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A package beside winnow that adds the engine `scripted`, which answers from a file."""
    site = tmp_path / "site"
    info = site / "scripted_plugin-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: scripted-plugin\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[winnow.engines]\nscripted = scripted_plugin:make\n")
    (site / "scripted_plugin.py").write_text(
        "import json, os\nfrom engine import ScriptedEngine\n\n\n"
        "def make():\n    return ScriptedEngine(json.loads(os.environ['SCRIPT']))\n"
    )
    script = json.dumps([edit_line(WRONG), edit_line(RIGHT)])
    state = str(tmp_path / "state")
    return {**os.environ, "PYTHONPATH": str(site), "SCRIPT": script, "XDG_STATE_HOME": state}


def winnow(
    *arguments: str | Path,
    env: Mapping[str, str],
    text: str | None = None,
    cwd: Path | None = None,
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "agent", *map(str, arguments)],
        capture_output=True,
        text=True,
        input=text,
        env=env,
        cwd=cwd,
        timeout=170,
        check=False,
    )


def fix(
    project: Path, *arguments: str | Path, env: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    return winnow("fix", "--repo", project, "--engine", "scripted", *arguments, env=env)


def result_of(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    result = json.loads(done.stdout)
    assert isinstance(result, dict)
    return result


def test_a_winner_is_printed_written_and_not_applied(
    project: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    (project / "shop" / "notes.txt").write_text("not committed\n")
    before = tree_bytes(project)
    out = tmp_path / "out"
    done = fix(project, "--out", out, env=environment)
    assert done.returncode == 0, done.stderr
    assert tree_bytes(project) == before
    assert f"+{RIGHT}" in done.stdout
    assert "candidate 1 proved itself: shop/price.py" in done.stdout
    assert "confirmed" in done.stdout
    assert TARGET in done.stderr
    assert {path.name for path in out.iterdir()} == {
        *("events.jsonl", "result.json", "summary.md", "winner.patch")
    }
    assert json.loads((out / "result.json").read_text())["outcome"] == "winner"
    assert next(iter(read_events(out / "events.jsonl"))).kind == "run.started"
    subprocess.run(["git", "apply", "--check", out / "winner.patch"], cwd=project, check=True)
    shown = winnow("show", out, env=environment)
    assert shown.returncode == 0
    assert shown.stdout == done.stdout


def test_apply_writes_the_winner_and_json_is_all_of_standard_output(
    project: Path, environment: dict[str, str]
) -> None:
    done = fix(project, "--apply", "--output", "json", "--target", TARGET, env=environment)
    assert done.returncode == 0, done.stderr
    result = result_of(done)
    assert (result["schema_version"], result["outcome"], result["applied"]) == (1, "winner", True)
    assert RIGHT in (project / "shop" / "price.py").read_text()
    shown = winnow("show", "last", "--output", "json", env=environment)
    assert result_of(shown)["winner"] == result["winner"]
    assert result_of(shown)["folder"] == result["folder"]
    again = fix(project, env=environment)
    assert again.returncode == 3  # nothing is red any more
    assert "winnow: " in again.stderr


def test_tests_that_contradict_each_other_have_no_winner(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    project = make_project(tmp_path / "project", tests=CONTRADICTION)
    before = tree_bytes(project)
    done = fix(project, "--apply", "--out", tmp_path / "out", env=environment)
    assert done.returncode == 1, done.stderr
    assert tree_bytes(project) == before
    assert not (tmp_path / "out" / "winner.patch").exists()
    assert "no candidate proved itself" in done.stdout
    assert "Closest was candidate 1" in done.stdout


@pytest.mark.parametrize(
    "changes",
    [
        {"shop/price.py": PRICE.replace("> LIMIT", ">= LIMIT")},
        {"tests/test_price.py": "import nothing_of_this_name"},
        {"tests/test_price.py": None},
    ],
    ids=["green", "broken", "without-tests"],
)
def test_what_cannot_be_worked_on_is_said(
    project: Path, tmp_path: Path, environment: dict[str, str], changes: Mapping[str, str | None]
) -> None:
    for path, text in changes.items():
        (project / path).unlink()
        if text is not None:
            (project / path).write_text(textwrap.dedent(text))
    done = fix(project, "--out", tmp_path / "out", "--output", "json", env=environment)
    assert done.returncode == 3, done.stderr
    assert result_of(done)["outcome"] == "base_wrong"
    assert done.stderr.startswith("winnow: ")
    assert json.loads((tmp_path / "out" / "result.json").read_text())["winner"] is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("fix --repo none", "does not exist"),
        ("fix --repo file", "is a file"),
        ("fix --repo project --engine none", "known: embedded, scripted"),
        ("fix --repo project --verifier none", "known: complexity"),
        ("fix --repo project --max-samples 0", "max_samples is 0"),
        ("fix --repo project --max-samples many", "--max-samples"),
        ("fix --repo project --out file/out", "cannot be written"),
        ("fix --repo project --out project/out", "lies in the repository"),
        ("fix --repo project --trace-file none/spans", "cannot be written"),
        ("fix --repo project --nonsense", "--nonsense"),
        ("fix", "--repo"),
        ("nonsense", "nonsense"),
        ("show", "Missing argument"),
        ("show none", "no run 'none'"),
        ("verify --repo project --patch none", "cannot be read"),
        ("verify --repo project --patch file", "no file is patched"),
    ],
)
def test_bad_usage_is_said_before_any_work(
    project: Path, environment: dict[str, str], arguments: str, message: str
) -> None:
    (project.parent / "file").touch()
    done = winnow(*arguments.split(), env=environment, cwd=project.parent)
    assert done.returncode == 2, done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_reached_limit_has_its_own_code(project: Path, environment: dict[str, str]) -> None:
    done = fix(project, "--max-seconds", "0.2", env=environment)
    assert done.returncode == 4, done.stderr
    assert "the limit of 0.2 s was reached" in done.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_nothing_behind(
    tmp_path: Path, environment: dict[str, str], number: signal.Signals
) -> None:
    project = make_project(tmp_path / "project", tests=SLOW)
    before = tree_bytes(project)
    command = [sys.executable, "-m", "agent", "fix", "--repo", project, "--out", tmp_path / "out"]
    with subprocess.Popen(
        [*map(str, command), "--engine", "scripted", "--apply"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        events = tmp_path / "out" / "events.jsonl"
        _wait_for(lambda: events.exists() and "run.started" in events.read_text())
        time.sleep(3)  # into the baseline
        children = _descendants(process.pid)
        process.send_signal(number)
        _, stderr = process.communicate(timeout=120)
    assert process.returncode == 130, stderr
    assert "interrupted" in stderr
    assert "Traceback" not in stderr
    assert tree_bytes(project) == before
    assert json.loads((tmp_path / "out" / "result.json").read_text())["outcome"] == "interrupted"
    assert children
    _wait_for(lambda: not any(Path(f"/proc/{child}").exists() for child in children))


@pytest.mark.parametrize(("line", "code"), [(RIGHT, 0), (WRONG, 1)])
def test_verify_judges_a_patch_from_outside(
    project: Path, environment: dict[str, str], line: str, code: int
) -> None:
    module = (project / "shop" / "price.py").read_text()
    patch = _diff("shop/price.py", module, module.replace(FAULT, line))
    before = tree_bytes(project)
    command = ("verify", "--repo", project, "--patch", "-", "--output", "json")
    done = winnow(*command, env=environment, text=patch)
    assert done.returncode == code, done.stderr
    result = result_of(done)
    assert result["confirmed"] is (code == 0)
    assert result["verdicts"][-1]["level"] == ("observed" if code else "confirmed")
    assert result["level"] == ("none" if code else "confirmed")
    assert bool(result["findings"]) is (code == 1)
    assert tree_bytes(project) == before


def test_verify_never_lets_a_patch_touch_the_tests(
    project: Path, environment: dict[str, str]
) -> None:
    tests = (project / "tests" / "test_price.py").read_text()
    cheat = _diff("tests/test_price.py", tests, tests.replace("== 7", "== 10"))
    done = winnow("verify", "--repo", project, "--patch", "-", env=environment, text=cheat)
    assert done.returncode == 6, done.stderr
    assert "tests refused the patch: tampered" in done.stdout


@pytest.mark.parametrize(
    ("words", "code", "said"), [("2", 2, "--hold-out: hold out a share"), ("tests", 3, "held out")]
)
def test_what_cannot_be_held_out_is_said(
    project: Path, environment: dict[str, str], words: str, code: int, said: str
) -> None:
    module = (project / "shop" / "price.py").read_text()
    patch = _diff("shop/price.py", module, module.replace(FAULT, RIGHT))
    command = ("verify", "--repo", project, "--patch", "-", "--hold-out", words)
    done = winnow(*command, env=environment, text=patch)
    assert done.returncode == code, done.stderr
    assert said in done.stderr


def test_spans_go_to_a_file(project: Path, environment: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "spans.jsonl"
    done = fix(project, "--trace-file", path, env=environment)
    assert done.returncode == 0, done.stderr
    spans = [json.loads(line) for line in path.read_text().splitlines()]
    names = {span["name"] for span in spans}
    assert {"invoke_workflow best_of_n", "chat scripted", "verify tests", "select"} <= names
    chat = next(span for span in spans if span["name"].startswith("chat"))
    assert chat["attributes"]["gen_ai.request.choice.count"] == 256
    assert RIGHT not in path.read_text()  # content is never recorded


def _diff(path: str, old: str, new: str) -> str:
    before, after = (text.splitlines(keepends=True) for text in (old, new))
    return "".join(difflib.unified_diff(before, after, f"a/{path}", f"b/{path}"))


def _wait_for(condition: Callable[[], bool], seconds: float = 120.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def _descendants(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    own = [int(child) for child in children]
    return own + [one for child in own for one in _descendants(child)]
