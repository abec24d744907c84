"""Tools: what a model may do.

A typed Python function becomes one by `@tool`; a foreign one brings its JSON Schema. Only
`ToolError` (and `EditError`) is a candidate's fault. Whatever else a tool raises is reported as
`ToolCrash`.
"""

from __future__ import annotations

import functools
import inspect
import json
import typing
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeAlias, TypedDict, TypeVar, Unpack, cast, overload

import anyio
import anyio.to_thread
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from pydantic import BaseModel, ValidationError

from agent.errors import ConfigError, EditError, ToolCrash, ToolError, ToolRetry
from agent.signature import (
    arguments_model,
    described_function,
    model_schema,
    resolved_parameters,
)
from verifiers import Snapshot, Verifier

Deps = TypeVar("Deps")
Approve: TypeAlias = Callable[[str, Mapping[str, Any]], Awaitable[bool]]


# Without slots: a frozen generic class cannot have them before Python 3.12.
@dataclass(frozen=True, kw_only=True)
class ToolContext(Generic[Deps]):
    """What a run gives to its tools: to those whose first parameter is annotated `ToolContext`."""

    snapshot: Snapshot | None = None
    """The base tree, where the run has one."""
    verifier: Verifier | None = None
    approve: Approve | None = None
    """Answers for tools that need approval; where it is None they are refused."""
    deps: Deps = cast("Deps", None)  # noqa: RUF009 - a plain None
    """Whatever the program's own tools need."""


class Flags(TypedDict, total=False):
    """What can be set on any tool."""

    read_only: bool
    timeout_seconds: float
    max_output_chars: int
    max_retries: int
    needs_approval: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A function with a name, a description and a JSON Schema of its arguments (draft 2020-12)."""

    name: str
    description: str
    parameters: Mapping[str, Any]
    function: Callable[..., Any]
    model: type[BaseModel] | None = None
    """Validates and types the arguments; None where the tool came with a JSON Schema."""
    takes_context: bool = False
    read_only: bool = False
    """Changes nothing outside the run, so that every candidate may call it."""
    timeout_seconds: float = 60.0
    """A sync tool that is late is abandoned: its thread runs on, its result is dropped."""
    max_output_chars: int = 40_000
    """Longer texts are cut, and say so."""
    max_retries: int = 0
    """How often the tool is called again after `ToolRetry`."""
    needs_approval: bool = False
    _validator: Draft202012Validator = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        try:
            Draft202012Validator.check_schema(self.parameters)
        except SchemaError as error:
            raise ConfigError(f"tool {self.name}: bad JSON Schema: {error.message}") from error
        object.__setattr__(self, "_validator", Draft202012Validator(self.parameters))

    @property
    def spec(self) -> dict[str, Any]:
        """Name, description and schema, as requests and call formats take them."""
        return {
            "name": self.name,
            "description": self.description,
            "parameters": dict(self.parameters),
        }

    async def call(
        self, arguments: Mapping[str, Any], context: ToolContext[Any] | None = None
    ) -> Any:
        """Validate the arguments and run the tool; sync functions run in a worker thread.

        Raises:
            ToolError: the arguments do not fit, or the tool refused, was not approved, was late.
            EditError: an edit does not resolve.
            ToolCrash: the tool raised anything else.
        """
        given = context or ToolContext[Any]()
        ready = self._bound(arguments, given)
        if self.needs_approval:
            await self._check_approved(arguments, given)
        for attempt in range(self.max_retries + 1):
            try:
                return _cut(await self._run(ready), self.max_output_chars)
            except ToolRetry:
                if attempt == self.max_retries:
                    raise
        raise AssertionError("the last attempt returns or raises")

    def _bound(self, arguments: Mapping[str, Any], context: ToolContext[Any]) -> Callable[[], Any]:
        leading = (context,) if self.takes_context else ()
        if self.model is None:
            errors = sorted(self._validator.iter_errors(arguments), key=lambda e: e.json_path)
            if errors:
                raise ToolError(f"{self.name}: {errors[0].json_path}: {errors[0].message[:300]}")
            return functools.partial(self.function, *leading, dict(arguments))
        return functools.partial(self.function, *leading, **_validated(self, arguments))

    async def _check_approved(
        self, arguments: Mapping[str, Any], context: ToolContext[Any]
    ) -> None:
        if context.approve is None:
            raise ToolError(f"{self.name} needs approval, and nobody is there to give it")
        if not await context.approve(self.name, arguments):
            raise ToolError(f"{self.name} was not approved")

    async def _run(self, ready: Callable[[], Any]) -> Any:
        with anyio.move_on_after(self.timeout_seconds) as scope:
            try:
                if inspect.iscoroutinefunction(self.function):
                    return await ready()
                return await anyio.to_thread.run_sync(ready, abandon_on_cancel=True)
            except (ToolError, EditError):
                raise
            except Exception as error:
                raise ToolCrash(self.name, error) from error
        assert scope.cancelled_caught
        raise ToolError(f"{self.name} took longer than {self.timeout_seconds:g} s")


@overload
def tool(function: Callable[..., Any], /) -> Tool: ...
@overload
def tool(
    *, name: str | None = None, description: str | None = None, **flags: Unpack[Flags]
) -> Callable[[Callable[..., Any]], Tool]: ...
def tool(
    function: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    **flags: Unpack[Flags],
) -> Tool | Callable[[Callable[..., Any]], Tool]:
    """Make a tool of a typed function: `@tool` or `@tool(read_only=True, …)`.

    Name and description come from the function and its docstring, descriptions of arguments from
    its `Args:` section.

    Raises:
        ConfigError: an argument has no annotation or one that JSON cannot carry.
    """

    def made(decorated: Callable[..., Any]) -> Tool:
        parameters = resolved_parameters(decorated)
        takes_context = _pop_context(parameters, decorated.__name__)
        model = arguments_model(decorated, parameters)
        return Tool(
            name=name or decorated.__name__,
            description=description or described_function(inspect.getdoc(decorated) or ""),
            parameters=model_schema(model),
            function=decorated,
            model=model,
            takes_context=takes_context,
            **flags,
        )

    return made(function) if function else made


def tool_from_schema(
    function: Callable[..., Any],
    *,
    name: str,
    description: str,
    schema: Mapping[str, Any],
    **flags: Unpack[Flags],
) -> Tool:
    """A tool with a JSON Schema of its own; `function` gets the arguments as one dict.

    Raises:
        ConfigError: `schema` is not a JSON Schema.
    """
    takes_context = _pop_context(resolved_parameters(function), name)
    return Tool(
        name=name,
        description=description,
        parameters=schema,
        function=function,
        takes_context=takes_context,
        **flags,
    )


def _pop_context(parameters: dict[str, inspect.Parameter], name: str) -> bool:
    contexts = [key for key, one in parameters.items() if _is_context(one.annotation)]
    if contexts and contexts != list(parameters)[:1]:
        raise ConfigError(f"tool {name}: the context must be the first argument, and the only one")
    if contexts:
        del parameters[contexts[0]]
    return bool(contexts)


def _is_context(annotation: object) -> bool:
    return annotation is ToolContext or typing.get_origin(annotation) is ToolContext


def _validated(one: Tool, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Typed values by parameter name; strict, so that nothing is re-typed in silence."""
    assert one.model is not None
    try:
        model = one.model.model_validate_json(json.dumps(arguments), strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "arguments"
        raise ToolError(f"{one.name}: {place}: {first['msg']}") from error
    except (TypeError, ValueError, RecursionError) as error:
        raise ToolError(f"{one.name}: the arguments are not JSON: {error}") from error
    fields = one.model.model_fields.items()
    return {str(info.alias): getattr(model, key) for key, info in fields}


def _cut(result: Any, max_chars: int) -> Any:
    if not isinstance(result, str) or len(result) <= max_chars:
        return result
    notice = f"\n[cut: {len(result)} characters, {max_chars} are shown]"
    return result[: max(0, max_chars - len(notice))] + notice
