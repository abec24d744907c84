"""The append-only event log of a run: one JSON object a line, numbered, never rewritten."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from agent.errors import JournalError

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened."""

    seq: int
    """Counts from 0, without gaps."""
    kind: str
    seconds: float
    """Since the log was begun."""
    facts: Mapping[str, Any]


class Journal:
    """Writes events to a file; every line is there as soon as it happened.

    Raises:
        JournalError: the file exists already or cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._started = time.monotonic()
        self._seq = 0
        try:
            self._stream: IO[str] = path.open("x", encoding="utf-8", buffering=1)
        except OSError as error:
            raise JournalError(f"cannot write {path}: {error.strerror}") from error

    def __call__(self, kind: str, facts: Mapping[str, Any]) -> None:
        """Append one event.

        Raises:
            JournalError: the disk is full or the file is gone.
        """
        event = {
            "schema_version": SCHEMA_VERSION,
            "seq": self._seq,
            "kind": kind,
            "seconds": round(time.monotonic() - self._started, 4),
            "facts": facts,
        }
        try:
            self._stream.write(json.dumps(event) + "\n")
        except OSError as error:
            raise JournalError(f"cannot write {self._path}: {error.strerror}") from error
        self._seq += 1

    def close(self) -> None:
        """End the log; the next event would be an error."""
        self._stream.close()

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def read_events(path: Path) -> Iterator[Event]:
    """The events of a log, in order; a last line that was torn by a crash is left out.

    Raises:
        JournalError: the file cannot be read, is damaged, or is of another version.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise JournalError(f"cannot read {path}: {error}") from error
    # Every whole line ends with a newline: what follows the last one was torn.
    for number, line in enumerate(lines[:-1]):
        yield _event(line, number, path)


def _event(line: str, number: int, path: Path) -> Event:
    try:
        raw = json.loads(line)
        if raw["schema_version"] != SCHEMA_VERSION:
            seen = raw["schema_version"]
            raise JournalError(f"{path}: events of version {seen!r}; this reads {SCHEMA_VERSION}")
        event = Event(
            seq=raw["seq"], kind=raw["kind"], seconds=raw["seconds"], facts=dict(raw["facts"])
        )
    except (ValueError, KeyError, TypeError) as error:
        raise JournalError(f"{path}, line {number + 1}: not an event: {line[:80]!r}") from error
    if event.seq != number:
        raise JournalError(f"{path}, line {number + 1}: event {event.seq} where {number} was due")
    return event
