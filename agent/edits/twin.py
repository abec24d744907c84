"""The JSON twin of the change stream, for servers that speak nothing but JSON arguments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from agent.errors import EditError

from .ops import Anchor, Create, Delete, Edit, Insert, Operation
from .parse import parse_changes

_AnchorText: TypeAlias = Annotated[str, Field(pattern=r"^[0-9]{1,7}#[0-9A-Za-z]{2,8}$")]


class _Twin(BaseModel):
    model_config = ConfigDict(extra="forbid")

    path: str


class ReplaceTwin(_Twin):
    """Replace the lines from `start` to `end`, both included."""

    op: Literal["replace"]
    start: _AnchorText
    end: _AnchorText
    text: str

    def operation(self) -> Operation:
        """The typed operation."""
        start, end = _anchor(self.start), _anchor(self.end)
        return Edit(path=self.path, start=start, end=end, lines=_lines(self.text))


class InsertTwin(_Twin):
    """Put lines before or after an anchor, or at the start or end of the file."""

    op: Literal["insert"]
    where: Literal["before", "after", "start", "end"]
    anchor: _AnchorText | None = None
    text: str

    def operation(self) -> Operation:
        """The typed operation."""
        wanted = _anchor(self.anchor) if self.anchor else None
        return Insert(path=self.path, where=self.where, anchor=wanted, lines=_lines(self.text))


class DeleteTwin(_Twin):
    """Remove the lines from `start` to `end`, both included."""

    op: Literal["delete"]
    start: _AnchorText
    end: _AnchorText

    def operation(self) -> Operation:
        """The typed operation."""
        return Delete(path=self.path, start=_anchor(self.start), end=_anchor(self.end))


class CreateTwin(_Twin):
    """Write a new file."""

    op: Literal["create"]
    text: str

    def operation(self) -> Operation:
        """The typed operation."""
        return Create(path=self.path, lines=_lines(self.text))


OperationTwin: TypeAlias = Annotated[
    ReplaceTwin | InsertTwin | DeleteTwin | CreateTwin, Field(discriminator="op")
]
"""One operation as pydantic reads it from JSON; `.operation()` gives the typed one."""

_TWINS: TypeAdapter[list[OperationTwin]] = TypeAdapter(list[OperationTwin])


def operations_schema() -> dict[str, Any]:
    """The JSON Schema of a list of operations."""
    return _TWINS.json_schema()


def operations_from_json(items: object) -> tuple[Operation, ...]:
    """The operations of a decoded JSON list.

    Raises:
        EditError: an item is not an operation, or the list is empty.
    """
    try:
        twins = _TWINS.validate_python(items, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise EditError(f"operations.{place}: {first['msg']}") from error
    if not twins:
        raise EditError("operations: the list is empty")
    return tuple(twin.operation() for twin in twins)


def operations_of(arguments: Mapping[str, Any]) -> tuple[Operation, ...]:
    """The operations in the arguments of an `edit` call: `changes` as text or `operations` as JSON.

    Raises:
        EditError: there is not exactly one of the two, or it does not read.
    """
    given = [name for name in ("changes", "operations") if arguments.get(name) is not None]
    if len(given) != 1:
        raise EditError(f"an edit takes either `changes` or `operations`, got {given or 'neither'}")
    if given == ["operations"]:
        return operations_from_json(arguments["operations"])
    changes = arguments["changes"]
    if not isinstance(changes, str):
        raise EditError(f"`changes` is {type(changes).__name__}, wanted text")
    return parse_changes(changes)


def operations_to_json(operations: Sequence[Operation]) -> list[dict[str, Any]]:
    """The operations as JSON values; `operations_from_json` gives them back."""
    return [_to_json(operation) for operation in operations]


def _to_json(operation: Operation) -> dict[str, Any]:
    match operation:
        case Edit(path=path, start=start, end=end, lines=lines):
            span = {"start": str(start), "end": str(end)}
            return {"op": "replace", "path": path, **span, "text": _text(lines)}
        case Insert(path=path, where=where, anchor=anchor, lines=lines):
            place = {"where": where} if anchor is None else {"where": where, "anchor": str(anchor)}
            return {"op": "insert", "path": path, **place, "text": _text(lines)}
        case Delete(path=path, start=start, end=end):
            return {"op": "delete", "path": path, "start": str(start), "end": str(end)}
        case Create(path=path, lines=lines):
            return {"op": "create", "path": path, "text": _text(lines)}


def _anchor(text: str) -> Anchor:
    line, _, hash_text = text.partition("#")
    return Anchor(int(line), hash_text.lower())


def _lines(text: str) -> tuple[str, ...]:
    lines = text.split("\n")
    return tuple(lines[:-1] if lines[-1] == "" else lines)


def _text(lines: Sequence[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
