"""Hermes JSON: `<tool_call>{"name": …, "arguments": {…}}</tool_call>`; Qwen 2.5 and LLaDA2, too.

A block that does not read stays in the content, word for word, with a diagnostic.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agent.types import Parsed, ToolCall
from engine import Canvas

from .holes import find_hole
from .repair import Reading, RepairError, read_prefix, read_values
from .schema import CallError, ToolTable

NAME = "hermes"
OPEN = "<tool_call>"
CLOSE = "</tool_call>"
MAX_UNREADABLE = 200
"""After so many unreadable blocks the rest of a text stays content."""

_BRACKET_OF_MASK = re.compile(r"\[(?=mask\])", re.IGNORECASE)


class HermesFormat:
    """JSON objects between `<tool_call>` marks."""

    name = NAME

    def parse(self, text: str, tools: Sequence[Mapping[str, Any]] | None = None) -> Parsed:
        """Every block that reads, in order; the rest of the text stays in `content`."""
        reader = _Reader(text, ToolTable.of(tools))
        position = 0
        while (start := text.find(OPEN, position)) >= 0:
            if len(reader.diagnostics) == MAX_UNREADABLE:
                reader.diagnostics.append(f"the text from character {start} on was not read")
                break
            reader.content.append(text[position:start])
            position = reader.take(start)
        reader.content.append(text[position:])
        return reader.parsed()

    def render(self, calls: Sequence[ToolCall]) -> str:
        """The calls as blocks, escaped so that no argument can look like a mark or a token."""
        return "\n".join(f"{OPEN}\n{_dumped(call)}\n{CLOSE}" for call in calls)

    def canvas(self, path: str) -> Canvas | None:
        """None: code that travels inside JSON is not worth a scaffold."""
        return None


@dataclass(frozen=True, slots=True)
class _Block:
    body_start: int
    body_end: int
    end: int
    is_closed: bool
    reading: Reading | None = None
    """What the body says, where it is strict JSON."""


@dataclass(slots=True)
class _Reader:
    text: str
    table: ToolTable
    calls: list[ToolCall] = field(default_factory=list)
    content: list[str] = field(default_factory=list)
    diagnostics: list[str] = field(default_factory=list)
    next_close: int = 0

    def take(self, start: int) -> int:
        """Read the block that opens at `start`; the position after it."""
        block = self._block(start)
        try:
            self.calls.extend(self._read(block))
        except (RepairError, CallError) as error:
            self.diagnostics.append(f"block at characters {start}..{block.end}: {error}")
            self.content.append(self.text[start : block.end])
        return block.end

    def parsed(self) -> Parsed:
        content = "".join(self.content)
        return Parsed(
            calls=tuple(self.calls),
            content=content if content.strip() else "",
            diagnostics=tuple(self.diagnostics),
        )

    def _block(self, start: int) -> _Block:
        """Marks inside a JSON string do not end a block, so the JSON is tried first."""
        body_start = start + len(OPEN)
        found = read_prefix(self.text, _skip(self.text, body_start))
        if found:
            reading, end = found[0], _skip(self.text, found[1])
            if self.text.startswith(CLOSE, end):
                return _Block(body_start, end, end + len(CLOSE), True, reading)
            if end == len(self.text):
                return _Block(body_start, end, end, False, reading)
        return self._torn_block(body_start)

    def _torn_block(self, body_start: int) -> _Block:
        if 0 <= self.next_close < body_start:
            self.next_close = self.text.find(CLOSE, body_start)
        reopened = self.text.find(OPEN, body_start)
        last = reopened if reopened >= 0 else len(self.text)
        if 0 <= self.next_close < last:
            return _Block(body_start, self.next_close, self.next_close + len(CLOSE), True)
        return _Block(body_start, last, last, is_closed=False)

    def _read(self, block: _Block) -> list[ToolCall]:
        hole = find_hole(self.text, block.body_start, block.body_end)
        if hole:
            raise RepairError(f"rejected: {hole}")
        reading = block.reading or self._repaired(block)
        marks = () if block.is_closed else ("hermes.unclosed-block",)
        return _calls(reading.values, (*reading.repairs, *marks), self.table)

    def _repaired(self, block: _Block) -> Reading:
        body = self.text[block.body_start : block.body_end]
        return read_values(body.strip(), is_closed=block.is_closed, accept=self._are_calls)

    def _are_calls(self, values: Sequence[object]) -> bool:
        try:
            return bool(_calls(values, (), self.table))
        except CallError:
            return False


def _skip(text: str, position: int) -> int:
    while position < len(text) and text[position] in " \t\r\n":
        position += 1
    return position


def _calls(values: Sequence[object], repairs: Sequence[str], table: ToolTable) -> list[ToolCall]:
    calls: list[ToolCall] = []
    for value in values:
        if isinstance(value, list):
            calls.extend(_calls(value, (*repairs, "hermes.list"), table))
        else:
            calls.append(_call(value, repairs, table))
    if not calls:
        raise CallError("the block holds no call")
    return calls


def _call(value: object, repairs: Sequence[str], table: ToolTable) -> ToolCall:
    if not isinstance(value, dict):
        raise CallError(f"a call is an object with name and arguments, not {_short(value)}")
    if isinstance(value.get("function"), dict):
        return _call(value["function"], (*repairs, "hermes.function-wrapper"), table)
    name = value.get("name")
    if not isinstance(name, str) or not name:
        raise CallError(f"the call has no name: {_short(value)}")
    arguments, made = _arguments(value, table)
    return table.checked(name, arguments, (*repairs, *made))


def _arguments(value: dict[str, Any], table: ToolTable) -> tuple[dict[str, Any], list[str]]:
    extra = sorted(value.keys() - {"name", "arguments", "parameters"})
    made = [f"hermes.extra-key:{key}" for key in extra]
    if "arguments" in value and "parameters" in value:
        raise CallError("the call has both arguments and parameters")
    if "parameters" in value:
        made.append("hermes.parameters-for-arguments")
    arguments = value.get("arguments", value.get("parameters"))
    if isinstance(arguments, str):
        made.append("schema.arguments-as-text")
        arguments = _decoded_text(arguments)
    if arguments is None and table.schemas is not None:
        # The schema then says whether the tool can be called without any.
        return {}, [*made, "hermes.no-arguments"]
    if not isinstance(arguments, dict):
        raise CallError(f"the arguments are not an object: {_short(arguments)}")
    return arguments, made


def _decoded_text(text: str) -> object:
    try:
        return read_values(text).values[0]
    except RepairError as error:
        raise CallError(f"the arguments are a text that is not JSON: {error}") from error


def _short(value: object) -> str:
    return repr(value)[:80]


def _dumped(call: ToolCall) -> str:
    value = {"name": call.name, "arguments": call.arguments}
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    # Outside strings JSON has neither `<` nor `[MASK]`.
    return _BRACKET_OF_MASK.sub(r"\\u005b", text.replace("<", "\\u003c"))
