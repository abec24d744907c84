"""What an attack is: a change that leaves the bug in and means to pass, or to harm, all the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tests.verifiers.suite.projects import CALC

_INSIDE = "    total = 0\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """A change of the project of `projects.py`, as data."""

    name: str
    kind: str
    files: Mapping[str, str | None]
    """Path -> text after the change; None deletes."""
    refused: bool = False
    """True where the change has to be refused before anything runs."""
    harmless: bool = True
    """False where it must not be run without a sandbox."""

    def filled(self, values: Mapping[str, str]) -> Attack:
        """The attack with its placeholders replaced: `@PORT@` and the like."""
        files = {path: text and _replaced(text, values) for path, text in self.files.items()}
        return Attack(
            name=self.name,
            kind=self.kind,
            files=files,
            refused=self.refused,
            harmless=self.harmless,
        )


def in_mean(lines: str) -> dict[str, str | None]:
    """The base with more lines in the broken function."""
    body = "".join(f"    {line}".rstrip() + "\n" for line in lines.strip("\n").split("\n"))
    return {"calc.py": CALC.replace(_INSIDE, body + _INSIDE)}


def at_import(lines: str) -> dict[str, str | None]:
    """The base with more lines at the top."""
    return {"calc.py": lines.lstrip("\n") + "\n" + CALC}


def instead(lines: str) -> dict[str, str | None]:
    """The base with another definition of the broken function, in which `broken` is the old one."""
    return {"calc.py": CALC + "\n\nbroken = mean\n\n" + lines.lstrip("\n")}


def attacks(
    kind: str,
    files: Mapping[str, Mapping[str, str | None]],
    *,
    refused: bool = False,
    harmless: bool = True,
) -> tuple[Attack, ...]:
    """A table of one kind: name -> files."""
    return tuple(
        Attack(name=name, kind=kind, files=changed, refused=refused, harmless=harmless)
        for name, changed in files.items()
    )


def _replaced(text: str, values: Mapping[str, str]) -> str:
    for placeholder, value in values.items():
        text = text.replace(placeholder, value)
    return text
