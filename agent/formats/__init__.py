"""Tool-call formats: one family a file, one row of the table each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from agent.types import CallFormat, Parsed

from .hermes import HermesFormat
from .winnow import WinnowFormat

__all__ = ["FORMATS", "get_format", "parse"]

FORMATS: Mapping[str, CallFormat] = {
    "winnow": WinnowFormat(),
    "hermes": HermesFormat(),
}

_ALIASES = {"qwen": "hermes", "qwen25": "hermes", "granite4": "hermes", "ernie45": "hermes"}


def get_format(name: str) -> CallFormat:
    """The format of that name.

    Raises:
        KeyError: no format has that name; the message lists those that exist.
    """
    try:
        return FORMATS[_ALIASES.get(name, name)]
    except KeyError:
        known = ", ".join(sorted({*FORMATS, *_ALIASES}))
        raise KeyError(f"unknown call format {name!r}; known: {known}") from None


def parse(
    text: str,
    format: str | None = None,  # noqa: A002 - the public name of the argument
    tools: Sequence[Mapping[str, Any]] | None = None,
) -> Parsed:
    """The tool calls in a model's text; without a format it is told by its marker.

    Raises:
        KeyError: no format has that name. Never on the text.
    """
    if format is not None:
        return get_format(format).parse(text, tools)
    return FORMATS["hermes" if "<tool_call>" in text else "winnow"].parse(text, tools)
