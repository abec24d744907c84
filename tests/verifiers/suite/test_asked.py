"""What a project asks pytest for: which file counts, and which options stand in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from verifiers import take_snapshot
from verifiers.suite.running.asked import Asked, asked_of

from .projects import write_project

INI = "[pytest]\naddopts = -q --cov=pkg  -k 'not slow'\n"


@pytest.mark.parametrize(
    ("files", "path", "options"),
    [
        ({}, "", ()),
        ({"pytest.ini": INI}, "pytest.ini", ("-q", "--cov=pkg", "-k", "not slow")),
        ({"tox.ini": "[pytest]\naddopts =\n  -x\n  # not this\n  -v\n"}, "tox.ini", ("-x", "-v")),
        ({"setup.cfg": "[tool:pytest]\naddopts = -x\n"}, "setup.cfg", ("-x",)),
        ({"setup.cfg": "[metadata]\nname = x\n"}, "", ()),
        ({"pyproject.toml": "[tool.pytest.ini_options]\naddopts = '-x -v'\n"}, "pyproject.toml", ("-x", "-v")),
        ({"pyproject.toml": "[tool.pytest]\naddopts = ['-x']\n"}, "pyproject.toml", ("-x",)),
        ({"pytest.toml": "[pytest]\naddopts = ['-x']\n", "pytest.ini": INI}, "pytest.toml", ("-x",)),
        ({"pytest.ini": "", "setup.cfg": "[tool:pytest]\naddopts = -x\n"}, "pytest.ini", ()),
        ({"pyproject.toml": "[project]\n", "tox.ini": "[pytest]\naddopts = -v\n"}, "tox.ini", ("-v",)),
        ({"pytest.ini": "[pytest]\naddopts = -k 'never ends\n"}, "pytest.ini", ()),
        ({"pytest.ini": "not a setting\n"}, "pytest.ini", ()),
        ({"pyproject.toml": "[tool.pytest\n"}, "pyproject.toml", ()),
    ],
)  # fmt: skip
def test_the_file_that_counts_is_read(
    tmp_path: Path, files: dict[str, str], path: str, options: tuple[str, ...]
) -> None:
    asked = asked_of(take_snapshot(write_project(tmp_path, files)))
    assert (asked.path, asked.options, asked.nested) == (path, options, False)


@pytest.mark.parametrize("name", ["pytest.ini", ".pytest.ini", "pytest.toml", "tox.ini"])
def test_settings_below_the_root_are_seen(tmp_path: Path, name: str) -> None:
    text = "[pytest]\naddopts = ['-x']\n" if name.endswith("toml") else INI
    asked = asked_of(take_snapshot(write_project(tmp_path, {f"tests/{name}": text})))
    assert asked == Asked(nested=True)


def test_settings_of_others_below_the_root_do_not_count(tmp_path: Path) -> None:
    files = {"sub/setup.cfg": "[metadata]\nname = x\n", "sub/pyproject.toml": "[project]\n"}
    assert not asked_of(take_snapshot(write_project(tmp_path, files))).nested


@pytest.mark.parametrize(
    ("options", "found"),
    [("-x", True), ("-xvs", True), ("-vx", True), ("-rx", False), ("-kx", False), ("--xyz", False), ("x", False)],
)  # fmt: skip
def test_short_options_are_found_in_a_row(options: str, found: bool) -> None:
    assert Asked(options=(options,)).has_short("x") is found


def test_options_are_found_with_and_without_a_value() -> None:
    asked = Asked(options=("--dist=load", "-n2", "-p", "no:xdist", "-pno:pytest_cov"))
    assert asked.has("--dist")
    assert not asked.has("--cov")
    assert asked.has_short("n")
    assert asked.without_plugin("xdist")
    assert asked.without_plugin("pytest_cov")
    assert not asked.without_plugin("randomly")
