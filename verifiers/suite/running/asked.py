"""What a project asks pytest for in its settings: the file that counts, and the options it adds to every run."""

from __future__ import annotations

import configparser
import shlex
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from verifiers.base import Snapshot

_FILES = (
    "pytest.toml", ".pytest.toml", "pytest.ini", ".pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg",
)  # fmt: skip
"""In the order in which pytest looks for them."""
_ALWAYS_COUNT = frozenset({"pytest.toml", ".pytest.toml", "pytest.ini", ".pytest.ini"})
_TAKE_VALUE = frozenset("pkmrcWon")
"""Short options whose value may follow without a space."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The settings of the project's root folder."""

    path: str = ""
    """The file that pytest reads; empty where there is none."""
    options: tuple[str, ...] = ()
    """`addopts`, split."""
    nested: bool = False
    """True where folders below have settings of their own: pytest would read those when it is given a path in there."""

    def has(self, *names: str) -> bool:
        """True when one of these long options is among the options, with or without a value."""
        return any(option.partition("=")[0] in names for option in self.options)

    def has_short(self, letter: str) -> bool:
        """True when this short option is among the options, alone or in a row: `-vx` has `x`, `-rx` has not."""
        return any(letter in _letters(option) for option in self.options)

    def without_plugin(self, *names: str) -> bool:
        """True when the project itself turns one of these plugins off."""
        joined = " ".join(self.options).replace("-p no:", "-pno:").split()
        return any(f"-pno:{name}" in joined for name in names)


def asked_of(snapshot: Snapshot) -> Asked:
    """Read the settings as pytest would; settings that cannot be read ask for nothing, and pytest says why."""
    nested = any("/" in path and _section(snapshot, path) is not None for path in snapshot.files)
    for name in _FILES:
        found = _section(snapshot, name) if name in snapshot.files else None
        if found is not None:
            return Asked(path=name, options=_split(found.get("addopts", "")), nested=nested)
    return Asked(nested=nested)


def _section(snapshot: Snapshot, path: str) -> Mapping[str, Any] | None:
    """The part of a file that is pytest's; None where pytest goes on to the next file."""
    name = path.rpartition("/")[2]
    if name not in _FILES:
        return None
    text = snapshot.read(path).decode("utf-8", "replace")
    try:
        found = _of_toml(name, text) if name.endswith(".toml") else _of_ini(name, text)
    except (tomllib.TOMLDecodeError, configparser.Error, AttributeError):
        found = {}
    return {} if found is None and name in _ALWAYS_COUNT else found


def _of_toml(name: str, text: str) -> Mapping[str, Any] | None:
    tables = tomllib.loads(text)
    if name != "pyproject.toml":
        return tables.get("pytest")
    own = tables.get("tool", {}).get("pytest")
    return None if own is None else own.get("ini_options", own)


def _of_ini(name: str, text: str) -> Mapping[str, str] | None:
    parser = configparser.RawConfigParser(strict=False, comment_prefixes=("#", ";"))
    parser.read_string(text)
    section = "tool:pytest" if name == "setup.cfg" else "pytest"
    return dict(parser[section]) if parser.has_section(section) else None


def _split(options: object) -> tuple[str, ...]:
    if isinstance(options, list):
        return tuple(map(str, options))
    try:
        return tuple(shlex.split(str(options)))
    except ValueError:
        return ()


def _letters(option: str) -> str:
    """The short options in one word."""
    if option.startswith("--") or not option.startswith("-"):
        return ""
    letters = option[1:]
    ends = [i for i, letter in enumerate(letters) if letter in _TAKE_VALUE]
    return letters[: ends[0] + 1] if ends else letters
