"""The text of a file with its bytes kept: byte order mark, line endings, missing last newline."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from agent.errors import EditError

BOM = b"\xef\xbb\xbf"

_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
# PEP 263: the declaration stands on the first or second line.
_CODING = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)", re.MULTILINE)
_UTF8_NAMES = frozenset({"utf-8", "utf8", "u8", "utf-8-sig", "utf8-sig"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """A text file as lines: line `i` (0-based) is `texts[i] + endings[i]`."""

    texts: tuple[str, ...]
    endings: tuple[str, ...]
    has_bom: bool
    newline: str = "\n"
    """The ending of most lines."""
    coding: str = "utf-8"
    """Encoding that the file declares for itself; the bytes are valid UTF-8 in any case."""

    @property
    def raw(self) -> bytes:
        """The bytes of the file."""
        text = "".join(map("".join, zip(self.texts, self.endings, strict=True)))
        return (BOM if self.has_bom else b"") + text.encode()


def read_content(raw: bytes, path: str) -> Content:
    """The lines of a UTF-8 file.

    Raises:
        EditError: the bytes are not UTF-8 text.
    """
    if raw.startswith(_UTF16_MARKS) or b"\0" in raw:
        raise EditError(f"{path} is not a UTF-8 text file: it is binary or UTF-16")
    has_bom = raw.startswith(BOM)
    body = raw[len(BOM) :] if has_bom else raw
    try:
        pieces = body.decode("utf-8").split("\n")
    except UnicodeDecodeError as error:
        seen = f"byte 0x{error.object[error.start]:02x} at offset {error.start}"
        raise EditError(f"{path} is not UTF-8 ({seen}); such files are not edited") from error
    lines = [_cut(piece, "\n") for piece in pieces[:-1]]
    if pieces[-1]:
        lines.append((pieces[-1], ""))
    return Content(
        texts=tuple(text for text, _ in lines),
        endings=tuple(ending for _, ending in lines),
        has_bom=has_bom,
        newline=_usual(ending for _, ending in lines if ending),
        coding=_coding(raw) if path.endswith((".py", ".pyi")) else "utf-8",
    )


def check_encodable(content: Content, lines: Sequence[str], path: str) -> None:
    """Refuse text that the file cannot hold.

    Raises:
        EditError: lone surrogates, or more than ASCII in a file of another encoding.
    """
    for line in lines:
        if content.coding not in _UTF8_NAMES and not line.isascii():
            raise EditError(f"{path} declares {content.coding}: only ASCII text is put into it")
        try:
            line.encode()
        except UnicodeEncodeError as error:
            raise EditError(f"text for {path} is not valid Unicode: {line[:60]!r}") from error


def _cut(piece: str, ending: str) -> tuple[str, str]:
    return (piece[:-1], f"\r{ending}") if piece.endswith("\r") else (piece, ending)


def _usual(endings: Iterable[str]) -> str:
    counted = Counter(endings)
    return counted.most_common(1)[0][0] if counted else "\n"


def _coding(raw: bytes) -> str:
    found = _CODING.search(b"\n".join(raw.split(b"\n", 2)[:2]))
    return found[1].decode("ascii", "replace").lower().replace("_", "-") if found else "utf-8"
