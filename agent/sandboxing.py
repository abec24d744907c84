"""What the sandbox of a run is worth: looked at before anything of the project is run, and said."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from agent.errors import ConfigError
from agent.options import Isolation
from verifiers.sandbox import Report, examine

SCHEMA_VERSION = 1


async def look_at_sandbox(isolation: Isolation, *, strict: bool) -> Mapping[str, Any]:
    """The isolation of a run and the parts that it lacks, as JSON values. Takes some tenths of a second.

    `missing` is None for bubblewrap, whose rooms are not looked into.

    Raises:
        ConfigError: `strict` is asked of an isolation that cannot promise it.
        SandboxError: with `strict`, a part is missing.
    """
    if strict and isolation != "namespaces":
        raise ConfigError(
            f"--strict wants the complete sandbox, and --isolation {isolation} is another: leave one of them out"
        )
    if isolation == "bubblewrap":
        return _facts(isolation, None, strict)
    report = Report() if isolation == "unsafe" else await examine(strict=strict)
    return _facts(isolation, [part.name for part in report.parts if not part.in_force], strict)


def report_facts(report: Report) -> dict[str, Any]:
    """A report as JSON values."""
    return {
        "schema_version": SCHEMA_VERSION,
        "platform": sys.platform,
        "complete": not report.missing,
        "parts": [
            {
                "name": part.name,
                "value": part.value,
                "in_force": part.in_force,
                "advice": part.advice,
            }
            for part in report.parts
        ],
        "bubblewrap": report.bubblewrap,
        "notes": list(report.notes),
    }


def weakness(sandbox: Mapping[str, Any], platform: str = sys.platform) -> str:
    """What a user should know before the tests run; empty where the sandbox is complete."""
    if sandbox["isolation"] == "unsafe":
        slower = "" if platform == "linux" else f"; on {platform} each run starts a new Python"
        return (
            "no sandbox (--isolation unsafe): the tests run with your rights, on your files and with your network; "
            f"only time and output are limited{slower}"
        )
    if sandbox["missing"]:
        return f"the sandbox lacks {', '.join(sandbox['missing'])}; `winnow sandbox` says what brings it"
    return ""


def _facts(isolation: Isolation, missing: list[str] | None, strict: bool) -> dict[str, Any]:
    return {"isolation": isolation, "missing": missing, "strict": strict}
