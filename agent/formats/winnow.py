"""The shipped model's call format: the text is the change stream, and that is one `edit` call."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from agent.edits import Operation, operations_of, read_changes, render_changes, render_path
from agent.errors import EditError
from agent.types import Parsed, ToolCall
from engine import Canvas, Pinned, Slot

from .holes import find_hole

NAME = "winnow"
OPERATION_WORDS = ("edit", "insert", "delete")

_HEADER = re.compile(r"^[ \t]*@@", re.MULTILINE)


class WinnowFormat:
    """Plain-text change streams: `@@ edit PATH 41#k3..44#9f`, gutter lines, `@@ done N`."""

    name = NAME

    def parse(self, text: str, tools: Sequence[Mapping[str, Any]] | None = None) -> Parsed:
        """One call of `edit` that holds the whole stream, or none and the reason.

        Text around the stream stays in `content`. `tools` is not needed: the format knows one tool.
        """
        found = _HEADER.search(text)
        start = found.start() if found else 0
        try:
            stream = read_changes(text[start:])
        except EditError as error:
            return _unread(text, start, error)
        pieces = text[start:].split("\n")
        changes = "\n".join(pieces[: stream.num_lines]).rstrip("\n") + "\n"
        hole = find_hole(text, start, start + len(changes))
        if hole:
            return Parsed(calls=(), content=text, diagnostics=(f"rejected: {hole}",))
        around = (text[:start].strip("\n"), "\n".join(pieces[stream.num_lines :]).strip("\n"))
        return Parsed(
            calls=(_call(changes, stream.notes),),
            content="\n".join(part for part in around if part),
            diagnostics=stream.notes,
        )

    def render(self, calls: Sequence[ToolCall]) -> str:
        """The change streams of the calls as one stream.

        Raises:
            EditError: a call is not an edit, or its arguments are not operations.
        """
        operations = [operation for call in calls for operation in _operations(call)]
        return render_changes(operations)

    def canvas(self, path: str) -> Canvas:
        """One operation on `path`: its word, place and body are slots, the rest is pinned."""
        return Canvas(
            segments=(
                Pinned(text="@@ "),
                Slot(name="op", kind="choice", choices=OPERATION_WORDS, max_tokens=1),
                Pinned(text=f" {render_path(path)} "),
                Slot(name="where", kind="anchor"),
                Pinned(text="\n"),
                Slot(name="text", kind="code"),
                Pinned(text="@@ done 1\n"),
            )
        )


def _unread(text: str, start: int, error: EditError) -> Parsed:
    shift = text.count("\n", 0, start)
    where = f" (the stream starts at line {shift + 1} of the text)" if shift else ""
    hole = find_hole(text, start)
    reasons = [f"rejected: {hole}"] if hole else []
    reasons.append(f"change stream: {error}{where}")
    return Parsed(calls=(), content=text, diagnostics=tuple(reasons))


def _call(stream: str, notes: Sequence[str]) -> ToolCall:
    repairs = tuple(f"stream.{note}" for note in notes if not note.startswith("trailing-text"))
    return ToolCall(name="edit", arguments={"changes": stream}, repairs=repairs)


def _operations(call: ToolCall) -> tuple[Operation, ...]:
    if call.name != "edit":
        raise EditError(f"the winnow format knows the tool 'edit' only, not {call.name!r}")
    return operations_of(call.arguments)
