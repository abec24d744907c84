"""The command that tests a project: how it is started, and which files of the project it starts with.

A command of plain words is split as a shell would split it, and started without one. Where it holds anything that a shell
gives a meaning to (`|&;<>()$*?` and the like, or `NAME=value` in front) it is given to `/bin/sh -c` as it stands.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property

_SHELL = re.compile(r"[|&;<>()$`*?\[\]#~!{}\n]|^\s*\w+=")
_STARTED = 'printf . >&0; exec "$@" </dev/null'
"""Standard input is our channel until the command begins: what was said there tells its end from a sandbox that failed."""


@dataclass(frozen=True)
class CommandLine:
    """A command as a user types it.

    Raises:
        ValueError: it is empty, or a quote in it has no end.
    """

    text: str

    def __post_init__(self) -> None:
        try:
            words = shlex.split(self.text, comments=True)
        except ValueError as error:
            raise ValueError(f"the command {self.text!r} cannot be split: {error}") from error
        if not words:
            raise ValueError("the command is empty: name one, such as `make check`")

    @property
    def needs_shell(self) -> bool:
        """True where a shell would do more than split it."""
        return _SHELL.search(self.text) is not None

    @property
    def name(self) -> str:
        """The id that the command has among tests: itself, in one line."""
        return " ".join(self.text.split())

    @property
    def arguments(self) -> list[str]:
        """The program with its arguments, for a start with the run's channel as standard input."""
        own = ["/bin/sh", "-c", self.text] if self.needs_shell else shlex.split(self.text)
        return ["/bin/sh", "-c", _STARTED, "sh", *own]

    @cached_property
    def words(self) -> frozenset[str]:
        """Everything in it that may name a file."""
        split = shlex.shlex(self.text, posix=True, punctuation_chars=True)
        split.whitespace_split = True
        words = [word for token in split for word in (token, *token.split("=")[1:])]
        return frozenset(word.strip("\"'`").removeprefix("./") for word in words)

    def files(self, known: Collection[str]) -> frozenset[str]:
        """Those of `known` files that the command names: scripts, settings, and modules after `-m`."""
        return frozenset({*self.words, *self._modules()} & set(known))

    def _modules(self) -> Iterator[str]:
        for name in re.findall(r"-m[ \t]+([A-Za-z_][\w.]*)", self.text):
            stem = name.replace(".", "/")
            yield from (f"{stem}.py", f"{stem}/__main__.py", f"{stem}/__init__.py")
