"""The report says what is in force, and what is missing is named with what brings it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

import verifiers
from verifiers.errors import SandboxError
from verifiers.sandbox import Report, examine, landlock, report as module
from verifiers.sandbox.cgroups import hierarchies

from .rooms import ordinary_user

AS_ANOTHER = """
import anyio, dataclasses, json, sys
from verifiers.sandbox import examine
print(json.dumps(dataclasses.asdict(anyio.run(examine))))
"""


async def test_what_is_in_force_here() -> None:
    found = await examine()
    lacking = set(found.missing) - {"landlock", "groups"}
    assert not lacking, found
    assert found.landlock == landlock.version()
    assert found.groups == hierarchies().kind
    assert str(found).startswith("sandbox: user namespace, mount namespace, process namespace")


async def test_strict_is_content_or_names_what_is_missing() -> None:
    missing = (await examine()).missing
    if not missing:
        assert (await examine(strict=True)).missing == ()
        return
    with pytest.raises(SandboxError) as caught:
        await examine(strict=True)
    assert all(name.replace("_", " ") in str(caught.value) for name in missing)


def test_an_ordinary_user_gets_the_same_but_for_groups() -> None:
    user = ordinary_user()
    packages = [path for path in sys.path if path.endswith("site-packages")]
    path = os.pathsep.join([str(Path(verifiers.__file__).parent.parent), *packages])
    done = subprocess.run(
        [*user.start, user.python, "-B", "-c", AS_ANOTHER],
        env={"PYTHONPATH": path, "PATH": "/usr/bin:/bin"},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0 and "Error" in done.stderr:
        pytest.skip(f"winnow does not start there: {done.stderr.splitlines()[-1]}")
    found = Report(**json.loads(done.stdout))
    assert set(found.missing) <= {"groups", "landlock"}
    assert found.notes or found.groups != "none"


def test_what_is_missing_is_named_with_what_brings_it() -> None:
    nothing = Report()
    assert "missing: user namespace" in str(nothing)
    text = module._complaint(nothing)
    for part in ("landlock", "groups", "overlay", "dies with parent"):
        assert part in text
    assert "systemd-run --user --scope -p Delegate=yes" in text
    flags: dict[str, Any] = {n: True for n, value in asdict(nothing).items() if value is False}
    complete = Report(**{**flags, "landlock": 7, "groups": "v2"})
    assert complete.missing == ()
    assert str(complete).endswith("missing: nothing")
