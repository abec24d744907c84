"""The typed operations of the change stream.

An operation names lines of the base tree by anchors, `41#k3`: the number of a line and a short hash
of its text. The number is the address, the hash is the checksum.
"""

from __future__ import annotations

import hashlib
from base64 import b32encode
from dataclasses import dataclass
from typing import Literal, TypeAlias

from agent.errors import EditError

Where: TypeAlias = Literal["before", "after", "start", "end"]

HASH_LENGTH = 2


@dataclass(frozen=True, slots=True)
class Anchor:
    """One line of a file: its 1-based number and the hash of its text."""

    line: int
    hash: str

    def __str__(self) -> str:
        return f"{self.line}#{self.hash}"

    def matches(self, line_text: str) -> bool:
        """True when `line_text` has this anchor's hash, whatever its number."""
        return line_hash(line_text, len(self.hash)) == self.hash


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """Replace the lines from `start` to `end`, both included."""

    path: str
    start: Anchor
    end: Anchor
    lines: tuple[str, ...]

    def __post_init__(self) -> None:
        _check_lines(self.lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class Insert:
    """Put lines before or after one line, or at the start or the end of the file."""

    path: str
    where: Where
    anchor: Anchor | None = None
    lines: tuple[str, ...]

    def __post_init__(self) -> None:
        _check_lines(self.lines)
        if (self.anchor is None) != (self.where in ("start", "end")):
            raise EditError(f"an insert {self.where!r} takes {_wanted_anchor(self.where)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Delete:
    """Remove the lines from `start` to `end`, both included."""

    path: str
    start: Anchor
    end: Anchor


@dataclass(frozen=True, slots=True, kw_only=True)
class Create:
    """Write a file that does not exist yet; it ends with a newline unless it is empty."""

    path: str
    lines: tuple[str, ...]

    def __post_init__(self) -> None:
        _check_lines(self.lines)


Operation: TypeAlias = Edit | Insert | Delete | Create


def line_hash(line_text: str, length: int = HASH_LENGTH) -> str:
    """The first `length` base32 characters (a-z, 2-7) of the right-stripped line's BLAKE2b hash."""
    digest = hashlib.blake2b(line_text.rstrip().encode("utf-8", "surrogatepass"), digest_size=5)
    return b32encode(digest.digest()).decode().lower()[:length]


def anchor(line_number: int, line_text: str) -> str:
    """The anchor of a line as the stream writes it, `41#k3`; lines count from 1."""
    return f"{line_number}#{line_hash(line_text)}"


def _check_lines(lines: tuple[str, ...]) -> None:
    for line in lines:
        if "\n" in line:
            raise EditError(f"a line of an operation holds a newline: {line[:60]!r}")


def _wanted_anchor(where: Where) -> str:
    return "no anchor" if where in ("start", "end") else "an anchor"
