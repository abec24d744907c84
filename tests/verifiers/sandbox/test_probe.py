"""What a machine without namespaces is told."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from verifiers.sandbox import BACKENDS, Isolation, check_isolation, probe


@pytest.mark.parametrize("isolation", ["namespaces", "bubblewrap", "unsafe"])
async def test_each_way_in_can_be_tried(isolation: Isolation) -> None:
    if isolation == "bubblewrap" and not shutil.which("bwrap"):
        pytest.skip("bwrap is not installed")
    await check_isolation(isolation)


def test_unsafe_is_the_only_one_without_a_way_in() -> None:
    assert set(BACKENDS) == {"namespaces", "bubblewrap"}


def test_the_apparmor_profile_names_one_program() -> None:
    text = probe.apparmor_commands("/opt/my python/bin/python3.12")
    assert (
        'profile winnow "/opt/my python/bin/python3.12" flags=(unconfined) {\n  userns,\n' in text
    )
    assert text.endswith("sudo apparmor_parser -r /etc/apparmor.d/winnow\n")


def test_the_apparmor_profile_is_one(tmp_path: Path) -> None:
    if not (parser := shutil.which("apparmor_parser")):
        pytest.skip("apparmor_parser is not installed")
    if not Path("/etc/apparmor.d/abi/4.0").exists():
        pytest.skip("this AppArmor is older than version 4, which knows rules on user namespaces")
    (tmp_path / "winnow").write_text(probe.apparmor_profile("/usr/bin/python3"))
    command = [parser, "--skip-kernel-load", "--skip-cache", str(tmp_path / "winnow")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_advice_is_never_empty() -> None:
    assert probe.namespaces_advice()
