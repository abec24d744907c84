from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, Literal

import anyio
import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel, Field

from agent.errors import ConfigError, ToolCrash, ToolError, ToolRetry
from agent.tools import Tool, ToolContext, tool, tool_from_schema

pytestmark = pytest.mark.anyio


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Point(BaseModel):
    x: int
    y: int = 0


@dataclass(frozen=True)
class Shop:
    prices: Mapping[str, int]


@tool
def draw(
    points: list[Point],
    colour: Colour = Colour.RED,
    width: Annotated[float, Field(gt=0)] = 1.0,
    label: str | None = None,
    schema: Literal["a", "b"] = "a",
    _hidden: bool = False,
) -> str:
    """Draw a line.

    Through all points, in order.

    Args:
        points: where the line goes,
            in order.
        width (float): in pixels.
    """
    return f"{points!r} {colour} {width} {label} {schema} {_hidden}"


def test_spec_comes_from_signature_and_docstring() -> None:
    assert draw.name == "draw"
    assert draw.description == "Draw a line.\n\nThrough all points, in order."
    schema = draw.spec["parameters"]
    Draft202012Validator.check_schema(schema)
    assert schema["required"] == ["points"]
    assert list(schema["properties"]) == [
        *("points", "colour", "width", "label", "schema", "_hidden")
    ]
    assert schema["properties"]["points"] == {
        "type": "array",
        "items": {"$ref": "#/$defs/Point"},
        "description": "where the line goes, in order.",
    }
    assert schema["properties"]["width"] == {
        "type": "number",
        "exclusiveMinimum": 0,
        "default": 1.0,
        "description": "in pixels.",
    }
    assert schema["$defs"]["Colour"] == {"type": "string", "enum": ["red", "blue"]}
    assert schema["additionalProperties"] is False


async def test_arguments_arrive_typed() -> None:
    text = await draw.call({"points": [{"x": 1}], "colour": "blue", "_hidden": True})
    assert text == f"{[Point(x=1)]!r} Colour.BLUE 1.0 None a True"


@pytest.mark.parametrize(
    ("arguments", "place"),
    [
        ({}, "points"),
        ({"points": "x"}, "points"),
        ({"points": [{"x": "1"}]}, "points.0.x"),
        ({"points": [], "width": 0}, "width"),
        ({"points": [], "colour": "green"}, "colour"),
        ({"points": [], "unknown": 1}, "unknown"),
        ({"points": [], "argument_1": "red"}, "argument_1"),
        ({"points": object()}, "the arguments are not JSON"),
    ],
)
async def test_arguments_that_do_not_fit_are_the_candidates_fault(
    arguments: dict[str, Any], place: str
) -> None:
    with pytest.raises(ToolError, match=f"draw: {place}"):
        await draw.call(arguments)


@tool(name="price", description="What it costs.", read_only=True)
async def price_of(context: ToolContext[Shop], thing: str) -> int:
    await anyio.lowlevel.checkpoint()
    return context.deps.prices[thing]


async def test_context_is_injected_and_no_argument() -> None:
    assert list(price_of.spec["parameters"]["properties"]) == ["thing"]
    assert (price_of.name, price_of.description, price_of.read_only) == (
        *("price", "What it costs."),
        True,
    )
    shop = ToolContext(deps=Shop({"tea": 3}))
    assert await price_of.call({"thing": "tea"}, shop) == 3


async def test_any_other_exception_is_reported_as_the_tools_own() -> None:
    with pytest.raises(ToolCrash, match=r"tool price broke: KeyError: 'milk'") as caught:
        await price_of.call({"thing": "milk"}, ToolContext(deps=Shop({})))
    assert not isinstance(caught.value, ToolError)
    assert isinstance(caught.value.__cause__, KeyError)


@tool
def refuse() -> str:
    """Say no."""
    raise ToolError("not today")


async def test_refusal_passes_through() -> None:
    assert refuse.parameters == {
        "type": "object",
        "properties": {},
        "additionalProperties": False,
    }
    with pytest.raises(ToolError, match="not today"):
        await refuse.call({})


async def test_sync_tools_run_in_worker_threads() -> None:
    @tool
    def where() -> bool:
        return threading.current_thread() is threading.main_thread()

    assert await where.call({}) is False


async def test_late_tools_are_abandoned() -> None:
    @tool(timeout_seconds=0.05)
    def slow_in_thread() -> None:
        time.sleep(0.5)

    @tool(timeout_seconds=0.05)
    async def slow() -> None:
        await anyio.sleep(30)

    for late in (slow_in_thread, slow):
        start = time.perf_counter()
        with pytest.raises(ToolError, match=r"took longer than 0\.05 s"):
            await late.call({})
        assert time.perf_counter() - start < 5


async def test_timeout_error_of_the_tool_itself_is_its_own() -> None:
    @tool
    def disk() -> None:
        raise TimeoutError("disk is slow")

    with pytest.raises(ToolCrash, match="disk is slow"):
        await disk.call({})


@pytest.mark.parametrize(("max_retries", "num_failures"), [(2, 2), (0, 0), (1, 2)])
async def test_retries_are_bounded(max_retries: int, num_failures: int) -> None:
    num_calls = 0

    @tool(max_retries=max_retries)
    def flaky() -> str:
        nonlocal num_calls
        num_calls += 1
        if num_calls <= num_failures:
            raise ToolRetry("again")
        return "ok"

    if num_failures <= max_retries:
        assert await flaky.call({}) == "ok"
    else:
        with pytest.raises(ToolRetry, match="again"):
            await flaky.call({})
    assert num_calls == min(max_retries, num_failures) + 1


async def test_long_texts_are_cut_and_say_so() -> None:
    @tool(max_output_chars=100)
    def talk(words: int) -> str:
        return "word " * words

    text = await talk.call({"words": 1000})
    assert len(text) == 100
    assert text.endswith("[cut: 5000 characters, 100 are shown]")
    assert await talk.call({"words": 20}) == "word " * 20


async def test_approval_fails_closed() -> None:
    @tool(needs_approval=True)
    def launch(where: str) -> str:
        return f"launched at {where}"

    async def only_home(name: str, arguments: Mapping[str, Any]) -> bool:
        return name == "launch" and arguments["where"] == "home"

    with pytest.raises(ToolError, match="nobody is there"):
        await launch.call({"where": "home"})
    with pytest.raises(ToolError, match="was not approved"):
        await launch.call({"where": "moon"}, ToolContext(approve=only_home))
    assert await launch.call({"where": "home"}, ToolContext(approve=only_home))


def _foreign(schema: Mapping[str, Any]) -> Tool:
    async def echo(arguments: dict[str, Any]) -> Any:
        return arguments

    return tool_from_schema(echo, name="echo", description="Says it back.", schema=schema)


async def test_tool_with_a_json_schema_of_its_own() -> None:
    schema = {
        "type": "object",
        "properties": {"my-key": {"prefixItems": [{"const": 1}]}},
        "required": ["my-key"],
    }
    echo = _foreign(schema)
    assert echo.spec == {"name": "echo", "description": "Says it back.", "parameters": schema}
    assert await echo.call({"my-key": [1]}) == {"my-key": [1]}
    for arguments in ({}, {"my-key": [2]}):
        with pytest.raises(ToolError, match=r"echo: \$"):
            await echo.call(arguments)


def test_bad_json_schema_is_refused() -> None:
    with pytest.raises(ConfigError, match="bad JSON Schema"):
        _foreign({"type": "objekt"})


def test_functions_that_cannot_be_tools_are_refused() -> None:
    def bare(x) -> None: ...  # type: ignore[no-untyped-def]

    def many(*words: str) -> None: ...

    def unknown(x: Nowhere) -> None: ...  # type: ignore[name-defined]  # noqa: F821

    def late(x: int, context: ToolContext[None]) -> None: ...

    def opaque(x: threading.Lock) -> None: ...

    for function in (bare, many, unknown, late, opaque):
        with pytest.raises(ConfigError, match=f"tool {function.__name__}"):
            tool(function)
