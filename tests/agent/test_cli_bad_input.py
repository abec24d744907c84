"""What a user is told, and with which exit code, of a project or a machine that winnow cannot work with."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from tests.verifiers.suite.projects import CALC, TESTS, write_project

RED = {"calc.py": CALC, "test_calc.py": TESTS}
USAGE, BASE_WRONG, FAILED = 2, 3, 5
NO_NAMESPACES = 'echo 0 > /proc/sys/user/max_user_namespaces; exec "$@"'


def verify(
    root: Path, *arguments: str | Path, before: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    """Judge the right change of the small project."""
    patch = "--- a/calc.py\n+++ b/calc.py\n@@ -8 +8 @@\n"
    patch += "-    return total / (len(values) + 1)\n+    return total / len(values)\n"
    command = [*before, sys.executable, "-m", "agent", "verify", "--repo", str(root)]
    return subprocess.run(
        [*command, "--patch", "-", *map(str, arguments)],
        input=patch,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_small_project_itself_is_fine(tmp_path: Path) -> None:
    done = verify(write_project(tmp_path / "two\nlines", RED))
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"calc.py": CALC}, "pytest finds no tests in the base: write one that fails"),
        ({**RED, "test_calc.py": "def test_fine():\n    pass\n"}, "nothing is red"),
        ({**RED, "test_calc.py": "import nowhere\n"}, "cannot be collected: test_calc.py"),
        ({**RED, "conftest.py": "1 / 0\n"}, "ZeroDivisionError"),
        ({**RED, "pytest.ini": "[pytest]\naddopts = --no-such-option\n"}, "--no-such-option"),
    ],
    ids=["no-tests", "green", "import", "conftest", "option"],
)
def test_a_base_that_is_not_right(tmp_path: Path, files: dict[str, str], said: str) -> None:
    done = verify(write_project(tmp_path, files))
    assert done.returncode == BASE_WRONG, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_no_folder_of_that_name(tmp_path: Path) -> None:
    done = verify(tmp_path / "nowhere")
    assert done.returncode == USAGE
    assert "does not exist: name the folder of a project with tests" in done.stderr


def test_an_interpreter_without_pytest(tmp_path: Path) -> None:
    venv.create(tmp_path / "bare", symlinks=True, with_pip=False)
    python = tmp_path / "bare" / "bin" / "python"
    done = verify(write_project(tmp_path / "project", RED), "--python", python)
    assert done.returncode == BASE_WRONG
    assert f"{python} has no pytest" in done.stderr
    assert "install it there, or name another one with --python" in done.stderr


def test_a_machine_that_allows_no_namespaces(tmp_path: Path) -> None:
    root = write_project(tmp_path, RED)
    inner = ("unshare", "--user", "--map-root-user", "sh", "-c", NO_NAMESPACES, "sh")
    if not shutil.which("unshare") or os.geteuid() != 0:
        pytest.skip("needs unshare and root")
    done = verify(root, before=inner)
    assert done.returncode == FAILED, done.stderr
    assert "no sandbox on this machine" in done.stderr
    assert "sysctl -w user.max_user_namespaces=" in done.stderr
    assert "--isolation unsafe" in done.stderr
    assert verify(root, "--isolation", "unsafe", before=inner).returncode == 0
