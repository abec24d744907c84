"""Names of the command line: a plain table first, then entry points of installed packages.

A package adds `[project.entry-points."winnow.engines"]` or `"winnow.verifiers"`; the entry is a
function without arguments that gives the object, or an awaitable of it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from importlib.metadata import entry_points
from typing import TypeAlias, TypeVar, cast

import engine
from agent.errors import ConfigError
from engine import Engine
from verifiers import Complexity, Verifier

Made = TypeVar("Made")
Maker: TypeAlias = Callable[[], Made | Awaitable[Made]]


def _embedded() -> Awaitable[Engine]:
    return engine.EmbeddedEngine.load()  # the name brings torch, so it is asked for only here


ENGINES: Mapping[str, Maker[Engine]] = {"embedded": _embedded}
VERIFIERS: Mapping[str, Maker[Verifier]] = {"complexity": Complexity}


def find_engine(name: str) -> Callable[[], Awaitable[Engine]]:
    """What makes the engine of that name, called later.

    Raises:
        ConfigError: no engine has that name.
    """
    return partial(_made, _maker("winnow.engines", name, ENGINES))


async def make_verifier(name: str) -> Verifier:
    """The verifier of that name.

    Raises:
        ConfigError: no verifier has that name.
    """
    return await _made(_maker("winnow.verifiers", name, VERIFIERS))


async def _made(maker: Maker[Made]) -> Made:
    made = maker()
    return await made if isinstance(made, Awaitable) else made


def _maker(group: str, name: str, table: Mapping[str, Maker[Made]]) -> Maker[Made]:
    if name in table:
        return table[name]
    installed = {entry.name: entry for entry in entry_points(group=group)}
    if name not in installed:
        known = ", ".join(sorted({*table, *installed}))
        raise ConfigError(f"no {group.removeprefix('winnow.')} entry {name!r}; known: {known}")
    return cast("Maker[Made]", installed[name].load())
