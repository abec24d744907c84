"""The text of a unified diff, read into hunks per file. Nothing is applied here."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agent.errors import EditError

_HUNK = re.compile(rb"@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@")
_QUOTED = rb'"(?:[^"\\]|\\.)*"'
_QUOTED_PAIR = re.compile(rb"(?P<old>%b|\S+) (?P<new>%b|\S+)" % (_QUOTED, _QUOTED))
_RENAME_ADVICE = "write it as a deleted and a new file"
_REFUSED = {
    b"GIT binary patch": "holds a binary part",
    b"Binary files ": "holds a binary part",
    b"rename from ": f"renames a file: {_RENAME_ADVICE}",
    b"copy from ": "copies a file: write it as a new file",
    b"old mode ": "changes the mode of a file",
    b"new file mode 120000": "makes a symbolic link",
    b"new file mode 160000": "makes a submodule",
}
_NOTHING = "/dev/null"
_ESCAPE = re.compile(rb"\\([0-7]{3}|.)")
_ESCAPED = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"a": b"\a", b"b": b"\b", b"f": b"\f"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Hunk:
    """Old lines that become new lines; lines carry their endings."""

    first: int
    """0-based index of the first old line, or of the gap where no old line is given."""
    old: tuple[bytes, ...]
    new: tuple[bytes, ...]
    line: int
    """1-based line of the patch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FilePatch:
    """The hunks of one file."""

    path: str
    hunks: tuple[Hunk, ...]
    creates: bool
    deletes: bool
    line: int
    """1-based line of the patch."""


def read_diff(patch: bytes) -> list[FilePatch]:
    """The files that a patch touches, in its order; text between them is passed over.

    Raises:
        EditError: no file is patched, a hunk is cut short, or the patch does what changes cannot.
    """
    files = list(_Reader(patch.split(b"\n")).files())
    if not files:
        raise EditError("no file is patched: wanted a unified diff, as `git diff` writes it")
    return files


@dataclass
class _Head:
    """What the lines before the hunks say of a file."""

    line: int
    old: str
    new: str
    creates: bool = False
    deletes: bool = False


class _Reader:
    """Goes through the lines once."""

    def __init__(self, lines: Sequence[bytes]) -> None:
        self._lines = lines
        self._at = 0

    def files(self) -> Iterator[FilePatch]:
        while self._at < len(self._lines):
            if self._looks_at(b"diff --git ") or self._is_at_names():
                yield self._file()
            elif _HUNK.match(self._line):
                raise EditError("a hunk without the name of its file", line=self._at + 1)
            else:
                self._at += 1

    @property
    def _line(self) -> bytes:
        return self._lines[self._at]

    def _looks_at(self, start: bytes) -> bool:
        return self._at < len(self._lines) and self._line.startswith(start)

    def _is_at_names(self) -> bool:
        following = self._lines[self._at + 1 : self._at + 2]
        return self._looks_at(b"--- ") and bool(following) and following[0].startswith(b"+++ ")

    def _file(self) -> FilePatch:
        head = self._git_head() if self._looks_at(b"diff --git ") else _Head(self._at + 1, "", "")
        if self._is_at_names():
            head.old, head.new = _name(self._line[4:]), _name(self._lines[self._at + 1][4:])
            self._at += 2
        hunks = tuple(self._hunks())
        return FilePatch(
            path=_path(head),
            hunks=hunks,
            creates=head.creates or head.old == _NOTHING,
            deletes=head.deletes or head.new == _NOTHING,
            line=head.line,
        )

    def _git_head(self) -> _Head:
        head = _Head(self._at + 1, *_git_names(self._line, self._at + 1))
        self._at += 1
        while self._at < len(self._lines) and not self._is_at_names():
            if self._looks_at(b"diff --git ") or not self._line.strip():
                break
            self._check()
            head.creates = head.creates or self._looks_at(b"new file mode ")
            head.deletes = head.deletes or self._looks_at(b"deleted file mode ")
            self._at += 1
        return head

    def _check(self) -> None:
        for start, reason in _REFUSED.items():
            if self._looks_at(start):
                raise EditError(f"the patch {reason}", line=self._at + 1)

    def _hunks(self) -> Iterator[Hunk]:
        while self._at < len(self._lines) and (found := _HUNK.match(self._line)):
            yield self._hunk(found)

    def _hunk(self, found: re.Match[bytes]) -> Hunk:
        start, line = int(found[1]), self._at + 1
        num_old, num_new = (int(found[i]) if found[i] is not None else 1 for i in (2, 4))
        self._at += 1
        old: list[bytes] = []
        new: list[bytes] = []
        while len(old) < num_old or len(new) < num_new:
            self._body_line(old, new, line)
        first = start if num_old == 0 else start - 1
        if len(old) != num_old or len(new) != num_new or first < 0:
            raise EditError("the hunk has other numbers of lines than it says", line=line)
        return Hunk(first=first, old=tuple(old), new=tuple(new), line=line)

    def _body_line(self, old: list[bytes], new: list[bytes], hunk_line: int) -> None:
        if self._at >= len(self._lines) - (self._lines[-1] == b""):
            raise EditError("the hunk ends before its lines do", line=hunk_line)
        # An editor that strips blanks leaves nothing of an empty context line.
        mark, text = self._line[:1] or b" ", self._line[1:] + b"\n"
        if mark not in (b" ", b"+", b"-"):
            raise EditError(f"a line of a hunk begins with {mark!r}", line=self._at + 1)
        if mark in (b" ", b"-"):
            old.append(text)
        if mark in (b" ", b"+"):
            new.append(text)
        self._at += 1
        if self._looks_at(b"\\"):
            _cut_newline(mark, old, new)
            self._at += 1


def _cut_newline(mark: bytes, old: list[bytes], new: list[bytes]) -> None:
    for lines, marks in ((old, b" -"), (new, b" +")):
        if mark in marks:
            lines[-1] = lines[-1].removesuffix(b"\n")


def _path(head: _Head) -> str:
    """The one path of a file patch, without the `a/` and `b/` of git."""
    names = [name for name in (head.old, head.new) if name != _NOTHING]
    if not names:
        raise EditError("both names of the file are /dev/null", line=head.line)
    if _has_prefixes(head):
        names = [name[2:] for name in names]
    if len(set(names)) > 1:
        raise EditError(f"renames {names[0]} to {names[1]}: {_RENAME_ADVICE}", line=head.line)
    return names[0]


def _has_prefixes(head: _Head) -> bool:
    pairs = ((head.old, "a/"), (head.new, "b/"))
    return all(name == _NOTHING or name.startswith(prefix) for name, prefix in pairs)


def _git_names(line: bytes, number: int) -> tuple[str, str]:
    """Both names in a `diff --git` line; names with blanks are told apart by being equal."""
    rest = line.removeprefix(b"diff --git ").rstrip(b"\r")
    if b'"' in rest:
        found = _QUOTED_PAIR.fullmatch(rest)
        if found:
            return _name(found["old"]), _name(found["new"])
    middle = len(rest) // 2
    pairs = [(rest[:i], rest[i + 1 :]) for i in range(len(rest)) if rest[i : i + 1] == b" "]
    for old, new in sorted(pairs, key=lambda pair: abs(len(pair[0]) - middle)):
        if old.removeprefix(b"a/") == new.removeprefix(b"b/"):
            return _name(old), _name(new)
    raise EditError(f"the patch renames a file: {_RENAME_ADVICE}", line=number)


def _name(raw: bytes) -> str:
    """A name as git or diff writes it: perhaps quoted, perhaps with a date after a tab."""
    name = raw.rstrip(b"\r")
    if name.startswith(b'"') and name.endswith(b'"') and len(name) > 1:
        name = _ESCAPE.sub(_unescaped, name[1:-1])
    else:
        name = name.split(b"\t")[0]
    return name.decode("utf-8", "surrogateescape")


def _unescaped(found: re.Match[bytes]) -> bytes:
    escape = found[1]
    if len(escape) == 3:
        return bytes([int(escape, 8) & 0xFF])
    return _ESCAPED.get(escape, escape)
