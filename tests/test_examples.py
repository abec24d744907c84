"""The examples run as they stand, and the example repositories are broken as they claim to be."""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from engine import ScriptedEngine
from examples.demo import NAMES, demonstrate

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"
REPOSITORIES = EXAMPLES / "repositories"
FIXES = ROOT / "tests" / "data" / "example_fixes"
RED = {
    "ledger": {"tests/test_reader.py::ParseAmountTest::test_other_text_is_refused"},
    "slots": {
        "tests/test_calendar.py::test_first_slot_may_fill_a_gap_with_its_pauses",
        "tests/test_calendar.py::test_first_slot_uses_a_gap_that_fits_to_the_minute",
    },
    "stockroom": {
        "tests/test_desk.py::test_cancel_of_a_waiting_order_brings_no_goods",
        "tests/test_desk.py::test_cancel_twice_gives_the_goods_back_once",
    },
}


@pytest.fixture(params=sorted(RED))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def copy(name: str, tmp_path: Path) -> Path:
    return Path(shutil.copytree(REPOSITORIES / name, tmp_path / name))


def test_every_repository_is_known() -> None:
    assert {path.name for path in REPOSITORIES.iterdir()} == set(RED) == set(NAMES)
    assert {path.stem for path in FIXES.iterdir()} == set(RED)


def test_exactly_the_named_tests_are_red(name: str, copy: Path) -> None:
    red, num_green = suite(copy)
    assert red == RED[name]
    assert num_green >= 10


def test_the_known_fix_is_one_hunk_and_makes_all_green(name: str, copy: Path) -> None:
    patch = FIXES / f"{name}.patch"
    assert len(re.findall(r"^@@ ", patch.read_text(encoding="utf-8"), re.MULTILINE)) == 1
    subprocess.run(["git", "apply", str(patch)], cwd=copy, check=True)
    assert suite(copy)[0] == set()


def test_fix_a_bug_prints_a_patch() -> None:
    done = example("examples/fix_a_bug.py")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("winner: ")
    assert "+        if gap.minutes >= needed:" in done.stdout


def test_own_verifier_turns_the_new_import_down() -> None:
    done = example("examples/own_verifier.py")
    assert done.returncode == 0, done.stderr
    assert "no-new-imports: failed; imports operator" in done.stdout
    assert "candidate 0: out" in done.stdout
    assert "candidate 1: passed" in done.stdout
    assert "tests: passed; confirmed" in done.stdout
    assert "+        if gap.minutes >= needed:" in done.stdout


def test_own_tool_shows_its_schema_answers_and_refuses() -> None:
    done = example("examples/own_tool.py")
    assert done.returncode == 0, done.stderr
    assert '"name": "callers"' in done.stdout
    assert re.search(r"^slots/calendar\.py:\d+$", done.stdout, re.MULTILINE)
    assert "refused: 'merge()' is no name of a function" in done.stdout


@pytest.mark.timeout(600)
def test_demo_repairs_at_least_two_and_says_which() -> None:
    done = example("-m", "examples.demo", seconds=580)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = re.findall(r"^│ (\w+) +│ +(\d) +│ (repaired|not repaired)", done.stdout, re.MULTILINE)
    assert {row[0]: int(row[1]) for row in rows} == {key: len(RED[key]) for key in RED}
    num_repaired = sum(row[2] == "repaired" for row in rows)
    assert num_repaired >= 2
    assert f"{num_repaired} of 3 were repaired" in done.stdout or num_repaired == 3


@pytest.mark.anyio
async def test_demo_is_honest_about_an_engine_that_says_nothing() -> None:
    page = io.StringIO()
    console = Console(file=page, width=120)
    assert await demonstrate(ScriptedEngine([]), console) == 1
    assert "0 of 3 were repaired. Not repaired: slots, ledger, stockroom" in page.getvalue()


def example(*arguments: str, seconds: float = 170) -> subprocess.CompletedProcess[str]:
    """Run one example as a user does, on a wide terminal."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
        env={**os.environ, "COLUMNS": "160", "PYTHONDONTWRITEBYTECODE": "1"},
    )


def suite(repository: Path) -> tuple[set[str], int]:
    """Ids of the red tests, and how many are green."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rA", "--tb=no", "-q"]
    done = subprocess.run(
        command, cwd=repository, capture_output=True, text=True, timeout=120, check=False
    )
    outcomes = re.findall(r"^(PASSED|FAILED|ERROR) (\S+)", done.stdout, re.MULTILINE)
    red = {test for word, test in outcomes if word != "PASSED"}
    return red, len(outcomes) - len(red)
