"""Which arguments every run gets, and what is said of options that are set aside."""

from __future__ import annotations

from pathlib import Path

import pytest

from verifiers import take_snapshot
from verifiers.suite.running.arguments import Arguments, arguments_for

from .projects import write_project

BOTH = ("pytest_cov", "xdist")


def _arguments(tmp_path: Path, addopts: str, plugins: tuple[str, ...] = BOTH) -> Arguments:
    files = {"pytest.ini": f"[pytest]\naddopts = {addopts}\n"}
    return arguments_for(take_snapshot(write_project(tmp_path, files)), plugins)


@pytest.mark.parametrize(
    "addopts", ["", "-q -ra --tb=short --strict-markers", "-m 'not slow' -rxX"]
)
def test_plain_options_need_no_words(tmp_path: Path, addopts: str) -> None:
    found = _arguments(tmp_path, addopts)
    assert found.notes == ()
    assert not {"-n0", "--no-cov", "-o", "-c"} & set(found.options)


@pytest.mark.parametrize(
    ("addopts", "option", "word"),
    [
        ("--cov", "--no-cov", "coverage"),
        ("--cov-fail-under 90", "--no-cov", "coverage"),
        ("-n auto", "-n0", "pytest-xdist"),
        ("--numprocesses=2", "-n0", "pytest-xdist"),
        ("--tx 2*popen", "-n0", "pytest-xdist"),
        ("-x", "--maxfail=0", "a failed test"),
        ("-svx", "--maxfail=0", "a failed test"),
        ("--maxfail 2", "--maxfail=0", "a failed test"),
        ("--pdb -v", "addopts=-v", "--pdb"),
        ("--sw -k 'a or b'", "addopts=-k 'a or b'", "--sw"),
    ],
)
def test_what_is_set_aside_is_said(tmp_path: Path, addopts: str, option: str, word: str) -> None:
    found = _arguments(tmp_path, addopts)
    assert option in found.options
    (note,) = found.notes
    assert word in note


@pytest.mark.parametrize("addopts", ["--cov -n2", "--cov-report=html --dist load"])
def test_options_of_plugins_that_are_not_there_are_left_to_pytest(
    tmp_path: Path, addopts: str
) -> None:
    found = _arguments(tmp_path, addopts, ())
    assert not {"-n0", "--no-cov"} & set(found.options)
    assert found.notes == ()


@pytest.mark.parametrize("off", ["-p no:pytest_cov -p no:xdist", "-pno:pytest_cov -pno:xdist"])
def test_nor_are_options_given_to_plugins_that_are_turned_off(tmp_path: Path, off: str) -> None:
    assert not {"-n0", "--no-cov"} & set(_arguments(tmp_path, f"{off} --cov -n 2").options)


def test_the_project_may_give_options_to_randomly(tmp_path: Path) -> None:
    options = _arguments(tmp_path, "--randomly-seed=7").options
    assert "no:randomly" not in options
    assert "--randomly-dont-reorganize" in options
    assert "no:randomly" in _arguments(tmp_path, "-q").options


def test_runs_stand_on_the_settings_of_the_root(tmp_path: Path) -> None:
    below = {"tests/pytest.ini": "[pytest]\n"}
    options = arguments_for(take_snapshot(write_project(tmp_path, below)), BOTH).options
    assert options[-2:] == ("-c", "/dev/null")
    write_project(tmp_path, {"tox.ini": "[pytest]\n"})
    options = arguments_for(take_snapshot(tmp_path), BOTH).options
    assert options[-4:] == ("--rootdir=.", "--confcutdir=.", "-c", "tox.ini")
