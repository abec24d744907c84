"""The folder of a run: where it lies, that it can be written, and how it is found again."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from agent.errors import ConfigError, JournalError

from .result import SCHEMA_VERSION
from .summary import write_summary

EVENTS, PATCH, RESULT, SUMMARY = "events.jsonl", "winner.patch", "result.json", "summary.md"
_PRIVATE = ".winnow"
"""A folder of this name is no part of a snapshot."""


@dataclass(frozen=True, slots=True)
class RunFolder:
    """A folder that a run may write to."""

    path: Path

    @property
    def events(self) -> Path:
        """Where the journal goes."""
        return self.path / EVENTS

    def write(self, result: Mapping[str, Any]) -> None:
        """Write result, summary and, if there is a winner, its patch.

        Raises:
            JournalError: a file cannot be written.
        """
        winner = result["winner"]
        files = {SUMMARY: write_summary(result), RESULT: json.dumps(result, indent=1) + "\n"}
        if winner is not None:
            files = {PATCH: winner["patch"], **files}
        for name, text in files.items():
            try:
                (self.path / name).write_bytes(text.encode("utf-8", "surrogateescape"))
            except OSError as error:
                raise JournalError(f"cannot write {self.path / name}: {error.strerror}") from error


def new_folder(out: Path | None, repo: Path) -> RunFolder:
    """An empty place for a new run; what an earlier run left in `out` is removed.

    Raises:
        ConfigError: the folder cannot be written, or lies where it would become part of the tests.
    """
    path = (runs_folder() / _run_name(repo)) if out is None else out
    _check_outside(path, repo)
    try:
        path.mkdir(parents=True, exist_ok=True)
        for name in (RESULT, PATCH, SUMMARY, EVENTS):
            (path / name).unlink(missing_ok=True)
        with TemporaryFile(dir=path):  # never the log's own name: who follows it would lose it
            pass
    except OSError as error:
        raise ConfigError(
            f"the output folder {path} cannot be written ({error.strerror}): name another by --out"
        ) from error
    return RunFolder(path)


def find_run(run: str) -> RunFolder:
    """The folder of a run, by its path, its name, or `last`.

    Raises:
        ConfigError: there is no such run.
    """
    kept = runs_folder()
    if run == "last":
        names = sorted(path.parent.name for path in kept.glob(f"*/{RESULT}"))
        if not names:
            raise ConfigError(f"no run is kept in {kept}")
        return RunFolder(kept / names[-1])
    for path in (Path(run), kept / run):
        if (path / RESULT).is_file():
            return RunFolder(path)
    raise ConfigError(f"no run {run!r}: wanted a folder with a {RESULT}, a name in {kept}, or last")


def read_result(folder: RunFolder) -> dict[str, Any]:
    """The result of a finished run.

    Raises:
        JournalError: the file is missing, damaged, or of another version.
    """
    path = folder.path / RESULT
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
        version = result["schema_version"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise JournalError(f"cannot read {path}: {error}") from error
    if version != SCHEMA_VERSION:
        raise JournalError(f"{path} is of version {version!r}; this reads {SCHEMA_VERSION}")
    return dict(result)


def runs_folder() -> Path:
    """Where runs are kept that name no folder: `$XDG_STATE_HOME/winnow`."""
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "winnow"


def _run_name(repo: Path) -> str:
    """Sorts by time; the process id tells apart what begins in the same second."""
    name = re.sub(r"[^\w.-]+", "-", repo.resolve().name) or "root"
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{name}-{os.getpid()}"


def _check_outside(path: Path, repo: Path) -> None:
    place, root = path.resolve(), repo.resolve()
    if place == root or (root in place.parents and _PRIVATE not in place.relative_to(root).parts):
        raise ConfigError(
            f"the output folder {path} lies in the repository and would change what is tested: "
            f"name one outside, or {repo / _PRIVATE / 'run'}"
        )
