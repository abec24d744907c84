"""Operations against one snapshot: every anchor names a line of the base tree.

All or nothing: either every operation finds its place and none is in another's way, or `EditError`
is raised.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agent.errors import EditError
from verifiers import Change, FileChange, Snapshot

from .content import Content, check_encodable, read_content
from .ops import Anchor, Create, Delete, Edit, Insert, Operation, anchor
from .paths import check_new, check_not_linked, check_path, folded_paths

RELOCATION_REACH = 4
"""How many lines away from its number an anchor may be found by its hash."""

MAX_OPERATIONS = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """The change, and what had to be assumed for it."""

    change: Change
    notes: tuple[str, ...] = ()
    """Anchors that were found at another line, merged twins, dropped no-ops."""


@dataclass(frozen=True, slots=True)
class _Splice:
    """Replace the lines `low` to `high` (0-based, `high` excluded); if equal, insert."""

    low: int
    high: int
    lines: tuple[str, ...]


def resolve(operations: Sequence[Operation], snapshot: Snapshot) -> Change:
    """The change that `operations` make to `snapshot`.

    Raises:
        EditError: a path, an anchor or a pair of operations does not fit; nothing is resolved then.
    """
    return resolve_noted(operations, snapshot).change


def resolve_noted(operations: Sequence[Operation], snapshot: Snapshot) -> Resolution:
    """As `resolve`, with notes on what was assumed.

    Raises:
        EditError: as `resolve`.
    """
    if len(operations) > MAX_OPERATIONS:
        raise EditError(f"{len(operations)} operations; at most {MAX_OPERATIONS} are taken")
    notes: list[str] = []
    by_path: dict[str, list[Operation]] = {}
    for operation in operations:
        by_path.setdefault(operation.path, []).append(operation)
    _check_paths_apart(by_path)
    created = {path: group for path, group in by_path.items() if _creates(group)}
    edited = {path: group for path, group in by_path.items() if path not in created}
    files = {path: _edited(path, group, snapshot, notes) for path, group in edited.items()}
    twins = folded_paths(snapshot.files) if created else {}
    for path, group in created.items():
        files[path] = _created(path, group, snapshot, twins, notes)
        twins.update(folded_paths([path]))
    changed = {path: file for path, file in files.items() if file.before != file.after}
    return Resolution(change=Change(changed), notes=tuple(dict.fromkeys(notes)))


def _check_paths_apart(by_path: dict[str, list[Operation]]) -> None:
    for path in by_path:
        check_path(path)
    for path in by_path:
        parent = path
        while "/" in parent:
            parent = parent.rpartition("/")[0]
            if parent in by_path:
                raise EditError(f"{parent!r} cannot be a file and the folder of {path!r}")


def _creates(operations: list[Operation]) -> bool:
    return any(isinstance(operation, Create) for operation in operations)


def _edited(
    path: str, operations: list[Operation], snapshot: Snapshot, notes: list[str]
) -> FileChange:
    check_not_linked(snapshot.root, path)
    try:
        before = snapshot.read(path)
    except FileNotFoundError as error:
        raise EditError(
            f"no file {path!r} in the repository{_near_paths(path, snapshot)}"
        ) from error
    content = read_content(before, path)
    splices = [_splice(operation, content, notes) for operation in operations]
    for splice in splices:
        check_encodable(content, splice.lines, path)
    ordered = _ordered(_merged(splices, path, notes), path)
    return FileChange(before=before, after=_spliced(content, ordered).raw)


def _created(
    path: str,
    operations: list[Operation],
    snapshot: Snapshot,
    twins: Mapping[str, str],
    notes: list[str],
) -> FileChange:
    check_not_linked(snapshot.root, path)
    first = operations[0]
    if not isinstance(first, Create) or any(other != first for other in operations):
        raise EditError(f"{path!r} is created and touched by another operation of the same stream")
    if len(operations) > 1:
        notes.append(f"merged {len(operations)} identical operations on {path}")
    check_new(snapshot.root, path, twins)
    empty = Content(texts=(), endings=(), has_bom=False)
    check_encodable(empty, first.lines, path)
    return FileChange(before=None, after="".join(f"{line}\n" for line in first.lines).encode())


def _splice(operation: Operation, content: Content, notes: list[str]) -> _Splice:
    def at(wanted: Anchor) -> int:
        return _place(wanted, content, operation.path, notes)

    match operation:
        case Edit(start=start, end=end, lines=lines):
            return _span(operation.path, at(start), at(end), lines)
        case Delete(start=start, end=end):
            return _span(operation.path, at(start), at(end), ())
        case Insert(anchor=Anchor() as wanted, where=where, lines=lines):
            gap = at(wanted) + (where == "after")
            return _Splice(gap, gap, lines)
        case Insert(where=where, lines=lines):
            gap = 0 if where == "start" else len(content.texts)
            return _Splice(gap, gap, lines)
        case Create():
            raise EditError(f"{operation.path!r} is created and touched by another operation")


def _span(path: str, first: int, last: int, lines: tuple[str, ...]) -> _Splice:
    if last < first:
        raise EditError(f"{path}: the range ends (line {last + 1}) before it starts ({first + 1})")
    return _Splice(first, last + 1, lines)


def _place(wanted: Anchor, content: Content, path: str, notes: list[str]) -> int:
    """The 0-based index of the line that `wanted` names."""
    index = wanted.line - 1
    if 0 <= index < len(content.texts) and wanted.matches(content.texts[index]):
        return index
    window = range(
        max(0, index - RELOCATION_REACH), min(len(content.texts), index + RELOCATION_REACH + 1)
    )
    found = [near for near in window if wanted.matches(content.texts[near])]
    if len(found) == 1:
        notes.append(f"relocated {path} {wanted} to line {found[0] + 1}")
        return found[0]
    raise EditError(_no_such_line(wanted, content, path, found))


def _no_such_line(wanted: Anchor, content: Content, path: str, found: list[int]) -> str:
    reason = (
        f"fits lines {', '.join(str(near + 1) for near in found)} alike"
        if found
        else "fits no line near there"
    )
    middle = min(max(wanted.line - 1, 0), max(len(content.texts) - 1, 0))
    near = range(max(0, middle - 2), min(len(content.texts), middle + 3))
    shown = "".join(f"\n  {anchor(i + 1, content.texts[i])} {content.texts[i][:100]}" for i in near)
    return f"{path}: anchor {wanted} {reason}; the file has there:{shown or ' no lines'}"


def _merged(splices: list[_Splice], path: str, notes: list[str]) -> list[_Splice]:
    distinct = list(dict.fromkeys(splices))
    if len(distinct) < len(splices):
        notes.append(f"merged {len(splices) - len(distinct)} identical operations on {path}")
    return distinct


def _ordered(splices: list[_Splice], path: str) -> list[_Splice]:
    """By place; inserts at one place keep the stream's order and precede what replaces the line."""
    ordered = sorted(splices, key=lambda splice: (splice.low, splice.high))
    holder = ordered[0]
    for splice in ordered[1:]:
        if splice.low < holder.high:
            raise EditError(f"{path}: {_said(splice)} is in the way of {_said(holder)}")
        holder = max(holder, splice, key=lambda one: one.high)
    return ordered


def _said(splice: _Splice) -> str:
    if splice.low == splice.high:
        return f"an insert before line {splice.low + 1}"
    return f"a change of lines {splice.low + 1} to {splice.high}"


def _spliced(content: Content, splices: list[_Splice]) -> Content:
    lines: list[tuple[str, str]] = []
    base = list(zip(content.texts, content.endings, strict=True))
    position = 0
    for splice in splices:
        lines.extend(base[position : splice.low])
        lines.extend(_with_endings(splice, content))
        position = splice.high
    lines.extend(base[position:])
    return _joined(lines, content)


def _with_endings(splice: _Splice, content: Content) -> list[tuple[str, str]]:
    """New lines end as the lines that they replace; more lines, and inserts, as the one before."""
    replaced = content.endings[splice.low : splice.high]
    last = (content.endings[splice.high - 1] if splice.high else "") or content.newline
    endings = [*replaced, *[last] * len(splice.lines)][: len(splice.lines)]
    if endings and splice.high == len(content.endings) and content.endings[-1:] == ("",):
        endings[-1] = ""
    return [
        (line.removesuffix("\r") if ending == "\r\n" else line, ending)
        for line, ending in zip(splice.lines, endings, strict=True)
    ]


def _joined(lines: list[tuple[str, str]], content: Content) -> Content:
    """Lines as a file: only the last one may lack its newline, and not if it would vanish so."""
    last = [ending if text else ending or content.newline for text, ending in lines[-1:]]
    endings = [ending or content.newline for _, ending in lines[:-1]]
    return Content(
        texts=tuple(text for text, _ in lines),
        endings=(*endings, *last),
        has_bom=content.has_bom,
        newline=content.newline,
        coding=content.coding,
    )


def _near_paths(path: str, snapshot: Snapshot) -> str:
    name = path.rpartition("/")[2]
    near = [known for known in snapshot.files if known.rpartition("/")[2] == name][:3]
    return f"; did you mean {', '.join(near)}?" if near else ""
