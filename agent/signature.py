"""What a function says of its arguments: annotations as a model, docstring as descriptions."""

from __future__ import annotations

import inspect
import re
import typing
from collections.abc import Callable, Mapping
from typing import Annotated, Any, cast

from pydantic import BaseModel, ConfigDict, Field, create_model
from pydantic.errors import PydanticUserError

from agent.errors import ConfigError

_SECTION = re.compile(r"^(Args|Arguments|Parameters|Returns|Yields|Raises|Examples?|Notes?):\s*$")
_ARGUMENT = re.compile(r"^(?P<indent>\s+)\*{0,2}(?P<name>\w+)\s*(?:\([^)]*\))?:\s*(?P<text>.*)$")
_PARAM_FIELD = re.compile(r"^\s*:param\s+(?:[^:]*\s)?(?P<name>\w+):\s*(?P<text>.*)$")


def resolved_parameters(function: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """The parameters with their annotations evaluated.

    Raises:
        ConfigError: an annotation names something that the function's module does not know.
    """
    try:
        hints = typing.get_type_hints(function, include_extras=True)
        parameters = inspect.signature(function).parameters
    except (NameError, TypeError, AttributeError) as error:
        raise ConfigError(f"{_named(function)}: its annotations cannot be read: {error}") from error
    return {
        name: parameter.replace(annotation=hints.get(name, inspect.Parameter.empty))
        for name, parameter in parameters.items()
    }


def arguments_model(
    function: Callable[..., Any], parameters: Mapping[str, inspect.Parameter]
) -> type[BaseModel]:
    """A model with one field per parameter; the alias of a field is the parameter's name.

    Raises:
        ConfigError: a parameter has no annotation, or one without JSON Schema, or takes any number.
    """
    texts = described_arguments(inspect.getdoc(function) or "")
    fields: dict[str, Any] = {}
    for index, parameter in enumerate(parameters.values()):
        _check_parameter(function, parameter)
        # Own field names, because a parameter may be called `schema` or `_x`, which a model cannot.
        annotation = cast("Any", Annotated)[parameter.annotation, _alias(parameter, texts)]
        default = ... if parameter.default is parameter.empty else parameter.default
        fields[f"argument_{index}"] = (annotation, default)
    config = ConfigDict(extra="forbid")
    try:
        model: type[BaseModel] = create_model(function.__name__, __config__=config, **fields)
        model.model_json_schema()
    except PydanticUserError as error:
        raise ConfigError(f"{_named(function)}: {error}") from error
    return model


def model_schema(model: type[BaseModel]) -> dict[str, Any]:
    """The JSON Schema of the arguments, without the titles that pydantic makes up."""
    schema = _untitled(model.model_json_schema(by_alias=True))
    return {"type": "object", "properties": {}, **schema}


def described_function(docstring: str) -> str:
    """The docstring up to its first section."""
    lines = inspect.cleandoc(docstring).split("\n")
    for index, line in enumerate(lines):
        if _SECTION.match(line) or _PARAM_FIELD.match(line):
            return "\n".join(lines[:index]).strip()
    return "\n".join(lines).strip()


def described_arguments(docstring: str) -> dict[str, str]:
    """Argument name -> description, from an `Args:` section or `:param name:` fields."""
    found: dict[str, str] = {}
    name, indent, is_inside = "", 0, False
    for line in inspect.cleandoc(docstring).split("\n"):
        section, field = _SECTION.match(line), _PARAM_FIELD.match(line)
        argument = _ARGUMENT.match(line) if is_inside else None
        if section:
            name, indent, is_inside = "", 0, section[1] in ("Args", "Arguments", "Parameters")
        elif field:
            found[field["name"]] = field["text"].strip()
        elif argument and len(argument["indent"]) <= (indent or len(argument["indent"])):
            name, indent = argument["name"], len(argument["indent"])
            found[name] = argument["text"].strip()
        elif is_inside and name and line.strip():
            found[name] = f"{found[name]} {line.strip()}".strip()
    return found


def _check_parameter(function: Callable[..., Any], parameter: inspect.Parameter) -> None:
    where = f"{_named(function)}: argument {parameter.name!r}"
    if parameter.annotation is parameter.empty:
        raise ConfigError(f"{where} has no annotation")
    if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
        raise ConfigError(f"{where} must be an ordinary argument that can be given by name")


def _alias(parameter: inspect.Parameter, texts: Mapping[str, str]) -> Any:
    text = texts.get(parameter.name)
    return Field(alias=parameter.name, description=text) if text else Field(alias=parameter.name)


def _untitled(schema: dict[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in schema.items() if key != "title"}
    for key, value in kept.items():
        if key in ("properties", "$defs") and isinstance(value, dict):
            kept[key] = {name: _untitled(inner) for name, inner in value.items()}
        elif key not in ("default", "const", "enum", "examples"):
            kept[key] = _untitled_value(value)
    return kept


def _untitled_value(value: Any) -> Any:
    if isinstance(value, dict):
        return _untitled(value)
    return [_untitled_value(item) for item in value] if isinstance(value, list) else value


def _named(function: Callable[..., Any]) -> str:
    return f"tool {getattr(function, '__name__', repr(function))}"
