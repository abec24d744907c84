"""A unified diff applied to one snapshot: `git diff`, `diff -u`, and what models write.

Hunks are placed as `git apply` places them: at their line, else at the nearest place where all
their old lines stand. There is no fuzz: a context line that differs is an error.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from agent.errors import EditError
from verifiers import Change, FileChange, Snapshot

from .diff import FilePatch, Hunk, read_diff
from .paths import check_new, check_not_linked, check_path, folded_paths


def parse_patch(patch: bytes, snapshot: Snapshot) -> Change:
    """The change that a patch makes to `snapshot`; files that it leaves as they are are left out.

    Raises:
        EditError: the text is not a patch, holds binary parts or renames, or does not apply.
    """
    files: dict[str, FileChange] = {}
    twins = folded_paths(snapshot.files)
    for one in read_diff(patch):
        check_path(one.path)
        check_not_linked(snapshot.root, one.path)
        if one.path in files:
            raise EditError(f"{one.path} is patched twice", line=one.line)
        files[one.path] = _file_change(one, snapshot, twins)
    return Change({path: file for path, file in files.items() if file.before != file.after})


def _file_change(one: FilePatch, snapshot: Snapshot, twins: Mapping[str, str]) -> FileChange:
    if one.creates:
        check_new(snapshot.root, one.path, twins)
        return FileChange(before=None, after=_patched(b"", one))
    try:
        before = snapshot.read(one.path)
    except FileNotFoundError as error:
        raise EditError(f"no file {one.path!r} in the repository", line=one.line) from error
    after = _patched(before, one)
    if one.deletes and after:
        raise EditError(f"{one.path} is deleted, but has lines that the patch lacks", line=one.line)
    return FileChange(before=before, after=None if one.deletes else after)


def _patched(before: bytes, one: FilePatch) -> bytes:
    lines = _split(before)
    done: list[bytes] = []
    position = offset = 0
    for hunk in one.hunks:
        place = _place(hunk, lines, position, hunk.first + offset, one.path)
        done += [*lines[position:place], *hunk.new]
        position = place + len(hunk.old)
        offset = place - hunk.first
    return b"".join([*done, *lines[position:]])


def _place(hunk: Hunk, lines: Sequence[bytes], lowest: int, wanted: int, path: str) -> int:
    """Where the hunk's old lines stand, 0-based: at `wanted` or as near to it as can be."""
    highest = len(lines) - len(hunk.old)
    for place in sorted(range(lowest, highest + 1), key=lambda one: abs(one - wanted)):
        if tuple(lines[place : place + len(hunk.old)]) == hunk.old:
            return place
    raise EditError(f"{path}: the old lines of this hunk stand nowhere in it", line=hunk.line)


def _split(content: bytes) -> list[bytes]:
    """Lines that end at a newline and nowhere else."""
    pieces = content.split(b"\n")
    return [piece + b"\n" for piece in pieces[:-1]] + ([pieces[-1]] if pieces[-1] else [])
