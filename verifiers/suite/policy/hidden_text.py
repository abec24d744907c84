"""Text that a reader sees otherwise than Python does: what a change adds of it. What the base has already stays unsaid."""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator

from verifiers.base import Change, FileChange, Finding

from .odd_paths import shown

_JOINING = frozenset(
    "\u00ad\u180e\u200b\u200c\u200d\u200e\u200f\u2060\u2061\u2062\u2063\u2064\ufeff\u061c"
)
_DIRECTIONS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_PLAIN_CONTROLS = frozenset("\t\n\r\f")
_TAGS = range(0xE0000, 0xE0080)
_COOKIE = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
_MARK = "\ufeff"


def hidden_text(change: Change) -> Iterator[Finding]:
    """One finding for each file that a change brings such text into."""
    allowed = _before(change)
    for path, file in change.files.items():
        if file.after is None or file.after == file.before:
            continue
        if (
            path.endswith((".py", ".pyi"))
            and b"\0" in file.after
            and b"\0" not in (file.before or b"")
        ):
            yield _finding("policy.binary", path, 0, "is binary, and has the name of source code")
        elif trouble := _first_hidden(file.after, allowed):
            line, character = trouble
            name = unicodedata.name(character, f"U+{ord(character):04X}")
            yield _finding(
                "policy.hidden-text", path, line, f"a character that cannot be seen: {name}"
            )
        elif path.endswith(".py") and (coding := _new_coding(file)):
            yield _finding("policy.coding", path, 1, f"is to be read as {coding}, wanted UTF-8")


def _before(change: Change) -> Counter[str]:
    """How often the base has such characters in all files of the change: moving them is no harm."""
    counts: Counter[str] = Counter()
    for file in change.files.values():
        counts.update(c for _, c in _hidden(file.before or b""))
    return counts


def _first_hidden(content: bytes, allowed: Counter[str]) -> tuple[int, str] | None:
    """Line and character of the first that is not `allowed`; those that are get used up."""
    for line, character in _hidden(content):
        if allowed[character] <= 0:
            return line, character
        allowed[character] -= 1
    return None


def _hidden(content: bytes) -> Iterator[tuple[int, str]]:
    """1-based lines and characters."""
    try:
        text = content.decode().removeprefix(_MARK)
    except UnicodeDecodeError:
        return
    if "\0" in text or (text.isascii() and text.isprintable()):
        return
    for number, line in enumerate(text.split("\n"), 1):
        if not line.removesuffix("\r").isprintable():
            yield from ((number, c) for c in line.removesuffix("\r") if _is_hidden(c))


def _is_hidden(character: str) -> bool:
    if character == "\r":
        return True  # alone: Python begins a line there, and most editors do not show it
    if character in _PLAIN_CONTROLS:
        return False
    return (
        character in _DIRECTIONS
        or character in _JOINING
        or ord(character) in _TAGS
        or unicodedata.category(character) in ("Cc", "Zl", "Zp")
    )


def _new_coding(file: FileChange) -> str:
    """The codec that the first lines ask for, where it is new and is not UTF-8; it may turn a comment into code."""
    after, before = _coding(file.after or b""), _coding(file.before or b"")
    return "" if after in (before, "utf-8", "ascii") else after


def _coding(content: bytes) -> str:
    for line in content.split(b"\n")[:2]:
        if found := _COOKIE.match(line):
            name = found[1].decode("ascii", "replace")
            try:
                return codecs.lookup(name).name
            except (LookupError, ValueError):
                return name
    return "utf-8"


def _finding(kind: str, path: str, line: int, why: str) -> Finding:
    name = shown(path)
    return Finding(kind=kind, message=f"{name}: {why}", path=name, line=line, severity="error")
