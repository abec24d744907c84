"""JSON as models write it: read strictly, then up a short ladder of repairs, each recorded.

A repair may drop or close punctuation and re-spell a literal. It never makes up a key or a value,
and never drops one that is not there twice. What cannot be read that way is refused with the
reason.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

MAX_REPAIR_CHARS = 100_000
"""Longer texts are read strictly only: the ladder walks over tokens in Python."""
MAX_DEPTH = 200

_TOKEN = re.compile(
    r"(?P<string>\"[^\"\\]*(?:\\.[^\"\\]*)*\")"
    r"|(?P<single>'[^'\\]*(?:\\.[^'\\]*)*')"
    r"|(?P<mark>[{}\[\]:,])"
    r"|(?P<space>\s+)"
    r"|(?P<word>[^\s{}\[\]:,\"']+)",
    re.DOTALL,
)
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_CLOSER = {"{": "}", "[": "]"}
_LITERALS = {"True": "true", "False": "false", "None": "null"}
_FENCE = re.compile(r"```[A-Za-z0-9_+-]*[ \t]*\n?(?P<body>.*?)\n?[ \t]*```", re.DOTALL)


class RepairError(ValueError):
    """Raised when a text cannot be read as JSON without guessing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The values of a text, in order, and the repairs that it took to read them."""

    values: tuple[object, ...]
    repairs: tuple[str, ...] = ()


def read_values(
    text: str, *, is_closed: bool = True, accept: Callable[[Sequence[object]], bool] | None = None
) -> Reading:
    """The JSON values in `text`: one, unless a model put several in a row.

    Args:
        text: everything between the markers of a call.
        is_closed: whether the end marker was there; without it, missing brackets mean a cut text.
        accept: says whether values make sense; a repair of duplicated tokens is taken only then.

    Raises:
        RepairError: no rung of the ladder reads the text.
    """
    try:
        return Reading(values=(_checked(_STRICT.decode(text), text),))
    except RecursionError as error:
        raise RepairError(f"nested deeper than {MAX_DEPTH} levels") from error
    except ValueError as error:
        return _climb(text, str(error), is_closed, accept or (lambda values: True))


def read_prefix(text: str, start: int) -> tuple[Reading, int] | None:
    """The strict JSON value that stands at `start`, and where it ends; None if there is none."""
    try:
        value, end = _STRICT.raw_decode(text, start)
        return Reading(values=(_checked(value, text[start:end]),)), end
    except (ValueError, RecursionError):
        return None


def _climb(
    text: str, reason: str, is_closed: bool, accept: Callable[[Sequence[object]], bool]
) -> Reading:
    if len(text) > MAX_REPAIR_CHARS:
        raise RepairError(f"{reason}; longer than {MAX_REPAIR_CHARS} characters, not repaired")
    repairs: list[str] = []
    tokens = _lexical(_tokens(_unwrapped(text, repairs)), repairs)
    for made, changed in _ladder(tokens, is_closed):
        reading = _attempt(changed, [*repairs, *made])
        if reading and ("json.duplicate-token" not in made or accept(reading.values)):
            return reading
    raise RepairError(reason)


def _ladder(tokens: list[str], is_closed: bool) -> Iterator[tuple[list[str], list[str]]]:
    variants: list[tuple[list[str], list[str]]] = [([], tokens)]
    collapsed = _collapsed(tokens)
    if collapsed != tokens:
        variants.append((["json.duplicate-token"], collapsed))
    for made, variant in variants:
        yield made, variant
        for name, balanced in _balanced(variant, is_closed):
            yield [*made, name], balanced


def _attempt(tokens: list[str], repairs: list[str]) -> Reading | None:
    text = "".join(tokens)
    for extra, decoder in _DECODERS:
        try:
            values = _sequence(text, decoder)
        except (ValueError, RecursionError):
            continue
        distinct = _without_adjacent_twins(values)
        several = ["json.several-values"] if len(distinct) > 1 else []
        twins = ["json.duplicate-value"] if len(distinct) < len(values) else []
        made = dict.fromkeys([*repairs, *extra, *several, *twins])
        return Reading(values=tuple(distinct), repairs=tuple(made))
    return None


def _sequence(text: str, decoder: json.JSONDecoder) -> list[object]:
    values: list[object] = []
    position = _skip(text, 0)
    while position < len(text) or not values:
        value, position = decoder.raw_decode(text, position)
        if values and not isinstance(value, dict):
            raise RepairError("several values in a row, and not all are objects")
        values.append(_checked(value, text))
        position = _skip(text, position)
    return values


def _skip(text: str, position: int) -> int:
    while position < len(text) and text[position].isspace():
        position += 1
    return position


def _without_adjacent_twins(values: list[object]) -> list[object]:
    return [
        value
        for index, value in enumerate(values)
        if index == 0 or repr(value) != repr(values[index - 1])
    ]


def _unwrapped(text: str, repairs: list[str]) -> str:
    bare = text.lstrip("\ufeff \t\r\n")
    if text.lstrip().startswith("\ufeff"):
        repairs.append("json.byte-order-mark")
    fenced = _FENCE.fullmatch(bare.rstrip())
    if fenced:
        repairs.append("json.fence")
        return fenced["body"]
    return bare


def _tokens(text: str) -> list[str]:
    tokens: list[str] = []
    position = 0
    while position < len(text):
        found = _TOKEN.match(text, position)
        if found is None:
            raise RepairError(f"the text ends inside a string that opens at character {position}")
        tokens.append(found[0])
        position = found.end()
    return [token for token in tokens if not token.isspace()]


def _lexical(tokens: list[str], repairs: list[str]) -> list[str]:
    """Rung 1: literals of Python, strings in single quotes, commas before a closing bracket."""
    clean: list[str] = []
    for token in tokens:
        if token in ("}", "]") and clean and clean[-1] == ",":
            repairs.append("json.trailing-comma")
            clean.pop()
        if token in _LITERALS:
            repairs.append("json.python-literal")
        elif token.startswith("'"):
            repairs.append("json.single-quotes")
        clean.append(_double_quoted(token) if token[0] == "'" else _LITERALS.get(token, token))
    return clean


def _double_quoted(token: str) -> str:
    body = re.sub(r"\\(.)|\"", _requoted, token[1:-1], flags=re.DOTALL)
    return f'"{body}"'


def _requoted(found: re.Match[str]) -> str:
    if found[0] == '"':
        return '\\"'
    return "'" if found[1] == "'" else found[0]


def _balanced(tokens: list[str], is_closed: bool) -> Iterator[tuple[str, list[str]]]:
    """Rung 2: brackets that are missing at the end, or left over there."""
    stack: list[str] = []
    for index, token in enumerate(tokens):
        if token in _CLOSER:
            stack.append(_CLOSER[token])
        elif token in ("}", "]"):
            if stack[-1:] != [token]:
                if index and not stack and set(tokens[index:]) <= {"}", "]"}:
                    yield "json.surplus-closer", tokens[:index]
                return
            stack.pop()
    if stack and is_closed and tokens[-1] not in (",", ":"):
        yield "json.missing-closer", [*tokens, *reversed(stack)]


def _collapsed(tokens: list[str]) -> list[str]:
    """Rung 3: neighbours that are never right in JSON, where a token was written twice."""
    once: list[str] = []
    for token in tokens:
        is_twin = once[-1:] == [token] and (token in (":", ",", "{") or token.startswith('"'))
        if not is_twin:
            once.append(token)
    return _without_empty_quotes(once)


def _without_empty_quotes(tokens: list[str]) -> list[str]:
    """`""x""` is the string x with its quotes doubled."""
    clean: list[str] = []
    index = 0
    while index < len(tokens):
        first, middle, last = [*tokens[index : index + 3], "", ""][:3]
        if first == last == '""' and middle[0] not in '"{}[]:,':
            clean.append(json.dumps(middle))
            index += 3
        else:
            clean.append(first)
            index += 1
    return clean


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key is given twice")
    return found


def _merged(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs) and any(repr(found[key]) != repr(value) for key, value in pairs):
        raise ValueError("a key is given twice, with different values")
    return found


def _no_constant(word: str) -> object:
    raise ValueError(f"{word} is not a JSON number")


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError(f"{digits[:40]} is too large")
    return number


def _checked(value: object, text: str) -> object:
    """Refuse what later code could not walk or write: deep nesting, lone surrogates."""
    if not text.isascii() or _SURROGATE.search(text):
        json.dumps(value, ensure_ascii=False).encode()
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [child for parent in level for child in _children(parent)]
        if not level:
            return value
    raise RepairError(f"nested deeper than {MAX_DEPTH} levels")


def _children(value: object) -> list[object]:
    if isinstance(value, dict):
        return [child for child in value.values() if isinstance(child, dict | list)]
    if isinstance(value, list):
        return [child for child in value if isinstance(child, dict | list)]
    return []


def _decoder(merges: bool, *, strict: bool) -> json.JSONDecoder:
    return json.JSONDecoder(
        object_pairs_hook=_merged if merges else _unique,
        parse_constant=_no_constant,
        parse_float=_finite,
        strict=strict,
    )


_STRICT = _decoder(merges=False, strict=True)
_DECODERS: tuple[tuple[tuple[str, ...], json.JSONDecoder], ...] = (
    ((), _STRICT),
    (("json.control-characters",), _decoder(merges=False, strict=False)),
    (("json.duplicate-key",), _decoder(merges=True, strict=True)),
    (
        ("json.control-characters", "json.duplicate-key"),
        _decoder(merges=True, strict=False),
    ),
)
