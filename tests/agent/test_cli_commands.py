"""`--test`, `--strict` and `winnow sandbox` as a user meets them: real processes, real sandboxes, no model."""

from __future__ import annotations

import difflib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.agent.edits.strategies import tree_bytes

ADD = "add() { echo $(( $1 - $2 )); }\n"
FIXED = ADD.replace("-", "+")
CHECK = '. ./add.sh\ntest "$(add 2 2)" = 4 || { echo add is wrong; exit 1; }\n'
REPORT = """\
. ./add.sh
test "$(add 2 2)" = 4 && end= || end='<failure message="wrong"/>'
echo "<testsuite><testcase classname='add' name='two'>$end</testcase></testsuite>" > report.xml
test -z "$end"
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    (root / "checks").mkdir(parents=True)
    (root / "add.sh").write_text(ADD)
    (root / "checks" / "check.sh").write_text(CHECK)
    (root / "checks" / "report.sh").write_text(REPORT)
    (root / "Makefile").write_text("check:\n\t@sh checks/check.sh\n")
    return root


def winnow(*arguments: str | Path, text: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "agent", *map(str, arguments)],
        capture_output=True,
        text=True,
        input=text,
        timeout=170,
        check=False,
    )


def verify(project: Path, patch: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return winnow("verify", "--repo", project, "--patch", "-", *arguments, text=patch)


def patch(path: str, old: str, new: str) -> str:
    before, after = (text.splitlines(keepends=True) for text in (old, new))
    return "".join(difflib.unified_diff(before, after, f"a/{path}", f"b/{path}"))


GOOD = patch("add.sh", ADD, FIXED)


def result_of(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    result = json.loads(done.stdout)
    assert isinstance(result, dict)
    return result


@pytest.mark.skipif(not shutil.which("make"), reason="make is not installed")
def test_a_patch_that_passes_a_command_is_observed_and_not_proved(project: Path) -> None:
    before = tree_bytes(project)
    done = verify(project, GOOD, "--test", "make check", "--output", "json")
    assert done.returncode == 1, done.stderr
    result = result_of(done)
    assert (result["outcome"], result["confirmed"], result["level"]) == ("none", False, "observed")
    assert result["targets"] == ["make check"]
    assert [one["passed"] for one in result["verdicts"]] == [True, True, True]
    assert "not proved" in result["reason"]
    assert "shows no more than `observed`" in result["reason"]
    assert tree_bytes(project) == before


def test_the_same_in_words(project: Path) -> None:
    done = verify(project, GOOD, "--test", "sh checks/check.sh")
    assert done.returncode == 1, done.stderr
    assert done.stdout.count("tests (observed): passed") == 2
    assert "confirmed" not in done.stdout
    assert "the patch is not proved" in done.stdout


def test_a_patch_that_fails_the_command_is_refused(project: Path) -> None:
    bad = patch("add.sh", ADD, ADD.replace("-", "*3*"))
    done = verify(project, bad, "--test", "sh checks/check.sh", "--output", "json")
    assert done.returncode == 1, done.stderr
    result = result_of(done)
    assert (result["outcome"], result["level"]) == ("none", "none")
    assert result["reason"] == "tests refused the patch: failed"
    assert "add is wrong" in result["findings"][0]["message"]


def test_a_patch_of_what_the_command_runs_is_tampering(project: Path) -> None:
    cheat = patch("checks/check.sh", CHECK, "exit 0\n")
    done = verify(project, cheat, "--test", "sh checks/check.sh")
    assert done.returncode == 6, done.stderr
    assert "is what the command runs" in done.stdout


def test_a_report_names_the_tests(project: Path) -> None:
    options = ("--test", "sh checks/report.sh", "--junit", "report.xml", "--target", "add::two")
    done = verify(project, GOOD, *options, "--output", "json")
    assert done.returncode == 1, done.stderr
    result = result_of(done)
    assert (result["targets"], result["level"]) == (["add::two"], "observed")
    assert result["verdicts"][-1]["num_tests"] == 2


def test_a_green_base_is_said(project: Path) -> None:
    done = verify(project, GOOD, "--test", "true")
    assert done.returncode == 3, done.stderr
    assert "nothing is red: `true` ends with 0" in done.stderr


def test_fix_says_that_it_finds_no_place(project: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    options = ("--test", "sh checks/check.sh", "--out", str(out), "--output", "json")
    done = winnow("fix", "--repo", project, *options)
    assert done.returncode == 1, done.stderr
    result = result_of(done)
    assert (result["outcome"], result["winner"]) == ("none", None)
    assert "no place to change was found" in result["reason"]
    assert result["sandbox"]["isolation"] == "namespaces"
    kept = json.loads((out / "result.json").read_text())
    assert kept["sandbox"] == result["sandbox"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--test", ""), "--test: the command is empty"),
        (("--test", "make 'check"), "--test: the command"),
        (("--junit", "report.xml"), "give that with --test"),
        (("--test", "make", "--junit", "../report.xml"), "has to lie in the project"),
        (("--test", "make", "--target", "a"), "--test: single tests"),
        (("--test", "make", "--hold-out", "0.3"), "--hold-out needs"),
        (("--suite-seconds", "0"), "--suite-seconds is 0"),
        (("--test-seconds", "nan"), "--test-seconds is nan"),
        (("--strict", "--isolation", "unsafe"), "--strict wants the complete sandbox"),
        (("--strict", "--isolation", "bubblewrap"), "--strict wants the complete sandbox"),
    ],
)
def test_what_contradicts_itself_is_a_matter_of_usage(
    project: Path, options: tuple[str, ...], said: str
) -> None:
    done = verify(project, GOOD, *options)
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_slow_command_is_stopped_when_it_was_said(project: Path) -> None:
    options = ("--test", "sleep 60", "--suite-seconds", "1")
    done = verify(project, GOOD, *options)
    assert done.returncode == 3, done.stderr
    assert "took more than 1 s on the base" in done.stderr


def test_no_sandbox_is_said_at_the_start(project: Path) -> None:
    options = ("--test", "sh checks/check.sh", "--isolation", "unsafe", "--output", "json")
    done = verify(project, GOOD, *options)
    assert done.returncode == 1, done.stderr
    assert done.stderr.startswith("winnow: no sandbox (--isolation unsafe)")
    sandbox = result_of(done)["sandbox"]
    assert sandbox["isolation"] == "unsafe"
    assert "network namespace" in sandbox["missing"]


def test_the_sandbox_is_described(project: Path) -> None:
    done = winnow("sandbox", "--output", "json")
    assert done.returncode == 0, done.stderr
    facts = result_of(done)
    assert len(facts["parts"]) == 15
    assert facts["complete"] == all(part["in_force"] for part in facts["parts"])
    assert all(bool(part["advice"]) != part["in_force"] for part in facts["parts"])
    text = winnow("sandbox")
    assert text.returncode == 0
    assert all(part["name"] in text.stdout for part in facts["parts"])
    strict = winnow("sandbox", "--strict")
    assert strict.returncode == (0 if facts["complete"] else 5)
    judged = verify(project, GOOD, "--test", "sh checks/check.sh", "--strict", "--output", "json")
    assert judged.returncode == (1 if facts["complete"] else 5)
    if facts["complete"]:
        sandbox = {"isolation": "namespaces", "missing": [], "strict": True}
        assert result_of(judged)["sandbox"] == sandbox


LACKING = """
import json, subprocess, sys
# A user namespace in which no further one may be made: as on a machine that allows none.
inner = "echo 0 > /proc/sys/user/max_user_namespaces && exec \\"$@\\""
done = subprocess.run(
    ["unshare", "--user", "--map-root-user", "sh", "-c", inner, "sh", sys.executable, "-m", "agent", *sys.argv[1:]]
)
sys.exit(done.returncode)
"""


@pytest.fixture
def lacking(tmp_path: Path) -> Path:
    """Starts winnow where no namespace can be made."""
    probe = "echo 0 > /proc/sys/user/max_user_namespaces && ! unshare --user true"
    command = ["unshare", "--user", "--map-root-user", "sh", "-c", probe]
    if (
        not shutil.which("unshare")
        or subprocess.run(command, check=False, capture_output=True).returncode
    ):
        pytest.skip("namespaces cannot be forbidden here")
    script = tmp_path / "lacking.py"
    script.write_text(LACKING)
    return script


def test_strict_refuses_where_parts_are_missing(project: Path, lacking: Path) -> None:
    def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, lacking, *map(str, arguments)],
            capture_output=True,
            text=True,
            input=GOOD,
            cwd=Path(__file__).parents[2],
            env=dict(os.environ),
            timeout=170,
            check=False,
        )

    shown = run("sandbox", "--output", "json")
    assert shown.returncode == 0, shown.stderr
    facts = result_of(shown)
    lost = [part for part in facts["parts"] if not part["in_force"]]
    assert "user namespace" in [part["name"] for part in lost]
    assert all(part["advice"] for part in lost)
    text = run("sandbox", "--strict")
    assert text.returncode == 5
    assert "missing   user namespace" in text.stdout
    assert "the sandbox is not complete" in text.stdout
    options = ("--test", "sh checks/check.sh", "--strict", "--output", "json")
    for command in (
        ("verify", "--repo", project, "--patch", "-", *options),
        ("fix", "--repo", project, *options),
    ):
        done = run(*command)
        assert done.returncode == 5, done.stderr
        assert "the sandbox is not complete on this machine" in done.stderr
        assert result_of(done)["outcome"] == "failed"
