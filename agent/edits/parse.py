"""The plain text of the change stream, read into operations.

The text is split at newlines and nowhere else. Reading is tolerant of what diffusion models do, and
writes down every liberty that it took; it never guesses a path, an anchor or a line of text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from agent.errors import EditError

from .ops import Anchor, Create, Delete, Edit, Insert, Operation, Where
from .render import GUTTER

_PATH = r'(?P<path>"(?:[^"\\]|\\.)*"|[^\s"]\S*)'
_ANCHOR = r"[0-9]{1,7}#[0-9A-Za-z]{2,8}"
_RANGE = rf"(?P<start>{_ANCHOR})(?:\s*\.\.\s*(?P<end>{_ANCHOR}))?"
_PLACE = rf"(?:(?P<side>before|after)\s+)?{_RANGE}|at\s+(?P<edge>start|end)"
_GRAMMAR = {
    "edit": (re.compile(rf"{_PATH}\s+{_RANGE}"), "@@ edit PATH 41#k3..44#9f"),
    "delete": (re.compile(rf"{_PATH}\s+{_RANGE}"), "@@ delete PATH 41#k3..44#9f"),
    "insert": (re.compile(rf"{_PATH}\s+(?:{_PLACE})"), "@@ insert PATH before 41#k3"),
    "create": (re.compile(_PATH), "@@ create PATH"),
}
_MARKS = re.compile(r"(?:@@\s*)+")
_COUNT = re.compile(r"[0-9]{1,7}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """What a text held: operations in stream order, and what was unusual about the text."""

    operations: tuple[Operation, ...]
    notes: tuple[str, ...] = ()
    """Liberties that were taken, each `name (line N)`."""
    preamble: str = ""
    """Text before the first operation."""
    remainder: str = ""
    """Text after `@@ done`."""
    num_lines: int = 0
    """Lines of the text up to `@@ done`, that one included."""


def parse_changes(text: str) -> tuple[Operation, ...]:
    """The operations of a change stream, in order.

    Raises:
        EditError: a line is not in the grammar, there is no operation, or the count differs.
    """
    return read_changes(text).operations


def read_changes(text: str) -> Stream:
    """As `parse_changes`, with the notes and the text around the operations.

    Raises:
        EditError: as `parse_changes`.
    """
    reader = _Reader()
    lines = _split(text)
    for number, line in enumerate(lines, 1):
        reader.take(number, line)
        if reader.is_done:
            return reader.finish(lines, number)
    return reader.finish(lines, len(lines))


@dataclass(slots=True)
class _Block:
    number: int
    word: str
    rest: str
    body: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Reader:
    blocks: list[_Block] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    preamble: list[str] = field(default_factory=list)
    num_blank: int = 0
    is_done: bool = False
    count: int | None = None

    def take(self, number: int, line: str) -> None:
        if line.startswith(GUTTER):
            self._take_body(number, line)
        elif line.lstrip().startswith("@@"):
            self._take_head(number, line)
        elif not self.blocks:
            self.preamble.append(line)
        elif not line.strip():
            self.num_blank += 1
        elif line.lstrip().startswith("```"):
            self._note("fence", number)
        else:
            raise EditError(
                f"{line[:60]!r} is neither an operation (`@@ …`) nor a body line (`|…`)",
                line=number,
            )

    def finish(self, lines: Sequence[str], num_lines: int) -> Stream:
        remainder = "\n".join(lines[num_lines:])
        operations = tuple(_operation(block, self.notes) for block in self.blocks)
        if not self.is_done:
            if not operations:
                raise EditError("no operation (`@@ edit PATH 41#k3..44#9f`) was found")
            self.notes.append("no-done (the text may be cut off)")
        elif self.count is None:
            self.notes.append("done-without-count")
        elif self.count not in (len(operations), len(set(operations))):
            raise EditError(f"`@@ done {self.count}` closes {len(operations)} operations")
        if remainder.strip():
            self.notes.append("trailing-text")
        return Stream(
            operations=operations,
            notes=tuple(self.notes),
            preamble="\n".join(self.preamble).strip(),
            remainder=remainder,
            num_lines=num_lines,
        )

    def _take_body(self, number: int, line: str) -> None:
        if not self.blocks:
            raise EditError("a body line stands before the first operation", line=number)
        if self.blocks[-1].word == "delete":
            raise EditError("`@@ delete` takes no body lines", line=number)
        if self.num_blank:
            self._note("bare-blank-line", number)
            if self.blocks[-1].body:
                self.blocks[-1].body.extend([""] * self.num_blank)
            self.num_blank = 0
        self.blocks[-1].body.append(line[len(GUTTER) :])

    def _take_head(self, number: int, line: str) -> None:
        self.num_blank = 0
        if not line.startswith("@@"):
            self._note("indented-header", number)
        rest = _MARKS.sub("", line.strip(), count=1)
        if line.strip()[2:].lstrip().startswith("@@"):
            self._note("duplicate-token", number)
        word, rest = [*rest.split(maxsplit=1), "", ""][:2]
        if word == "done":
            self.is_done = True
            self.count = int(rest) if _COUNT.fullmatch(rest.strip()) else None
        elif word in _GRAMMAR:
            self.blocks.append(_Block(number, word, rest.strip()))
        else:
            known = ", ".join([*_GRAMMAR, "done"])
            raise EditError(f"unknown operation {word[:40]!r}; known: {known}", line=number)

    def _note(self, name: str, number: int) -> None:
        self.notes.append(f"{name} (line {number})")


def _operation(block: _Block, notes: list[str]) -> Operation:
    found, example = _match(block, notes)
    if found is None:
        seen = f"@@ {block.word} {block.rest}"[:80]
        raise EditError(f"{seen!r} does not read as `{example}`", line=block.number)
    path, lines = _path(found["path"], block.number), tuple(block.body)
    if block.word == "create":
        return Create(path=path, lines=lines)
    if block.word == "insert":
        return _insert(found, path, lines, block.number)
    start = _anchor(found["start"])
    end = _anchor(found["end"]) if found["end"] else start
    if block.word == "delete":
        return Delete(path=path, start=start, end=end)
    return Edit(path=path, start=start, end=end, lines=lines)


def _match(block: _Block, notes: list[str]) -> tuple[re.Match[str] | None, str]:
    grammar, example = _GRAMMAR[block.word]
    found = grammar.fullmatch(block.rest)
    if found is None and block.rest.startswith(f"{block.word} "):
        found = grammar.fullmatch(block.rest[len(block.word) :].strip())
        notes.append(f"duplicate-token (line {block.number})")
    return found, example


def _insert(found: re.Match[str], path: str, lines: tuple[str, ...], number: int) -> Insert:
    if found["edge"]:
        return Insert(path=path, where="start" if found["edge"] == "start" else "end", lines=lines)
    if found["end"] and found["end"] != found["start"]:
        raise EditError("an insert stands at one line, not at a range", line=number)
    where: Where = "after" if found["side"] == "after" else "before"
    return Insert(path=path, where=where, anchor=_anchor(found["start"]), lines=lines)


def _anchor(text: str) -> Anchor:
    line, _, hash_text = text.partition("#")
    return Anchor(int(line), hash_text.lower())


def _path(text: str, number: int) -> str:
    if not text.startswith('"'):
        return text
    try:
        return str(json.loads(text, strict=False))
    except ValueError as error:
        raise EditError(f"the path {text[:60]} is not a JSON string", line=number) from error


def _split(text: str) -> Sequence[str]:
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    if lines and all(line.endswith("\r") for line in lines):
        return [line[:-1] for line in lines]
    return lines
