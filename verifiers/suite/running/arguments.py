"""Which options every run of the tests gets, on top of what the project asks for, and what the user should know of it."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from verifiers.base import Snapshot

from .asked import Asked, asked_of

_REWRITE_WARNING = (
    "ignore:Module already imported so cannot be rewritten:pytest.PytestAssertRewriteWarning"
)
_INTERACTIVE = {"--pdb": "", "--trace": "", "--looponfail": "f"}
"""Options that wait for someone, and their short forms."""
_STEPWISE = frozenset(
    {"--stepwise", "--sw", "--stepwise-skip", "--sw-skip", "--stepwise-reset", "--sw-reset"}
)
_DROPPED = frozenset({*_INTERACTIVE, *_STEPWISE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Arguments:
    """Arguments of pytest for every run, and in words what they change of the project's own."""

    options: tuple[str, ...]
    notes: tuple[str, ...] = ()
    """One sentence for each thing that the project asks for and that does not happen."""


def arguments_for(snapshot: Snapshot, plugins: Collection[str]) -> Arguments:
    """Short tracebacks, the order of the project, every test of it, in one process, without coverage.

    `plugins` are those of `pytest_cov` and `xdist` that are installed.
    """
    asked = asked_of(snapshot)
    options = ["-q", "--tb=short", "--maxfail=0", "-W", _REWRITE_WARNING, *_in_order(asked)]
    notes = [*_stopping(asked)]
    if any(option in _DROPPED for option in asked.options):
        kept = [option for option in asked.options if option not in _DROPPED]
        options += ["-o", f"addopts={shlex.join(kept)}"]
        notes.append(_dropped(asked))
    if _has_coverage(asked, plugins):
        options.append("--no-cov")
        notes.append(
            "coverage is not measured (--no-cov): a limit that the project sets for it is not held"
        )
    if _has_workers(asked, plugins):
        options.append("-n0")
        notes.append("tests run in one process (-n0), not on the workers of pytest-xdist")
    if asked.nested:
        options += _anchored(asked)
    return Arguments(options=tuple(options), notes=tuple(notes))


def _in_order(asked: Asked) -> list[str]:
    """Without pytest-randomly; where the project gives it options it has to stay, and gets a fixed seed."""
    if any(option.startswith("--randomly-") for option in asked.options):
        return ["--randomly-dont-reorganize", "--randomly-seed=0"]
    return ["-p", "no:randomly"]


def _stopping(asked: Asked) -> Iterator[str]:
    if asked.has("--maxfail", "--exitfirst") or asked.has_short("x"):
        yield "a failed test does not end the run (--maxfail=0)"


def _dropped(asked: Asked) -> str:
    found = [option for option in asked.options if option in _DROPPED]
    return f"{' '.join(found)}: left out of addopts, all tests run and nothing waits for input"


def _has_coverage(asked: Asked, plugins: Collection[str]) -> bool:
    wanted = any(option.startswith("--cov") for option in asked.options)
    return wanted and "pytest_cov" in plugins and not asked.without_plugin("pytest_cov")


def _has_workers(asked: Asked, plugins: Collection[str]) -> bool:
    wanted = asked.has("--numprocesses", "--dist", "--tx") or any(
        asked.has_short(letter) for letter in "nd"
    )
    return wanted and "xdist" in plugins and not asked.without_plugin("xdist")


def _anchored(asked: Asked) -> list[str]:
    """The settings of the root folder, whichever tests are named: ids and options would change with the folder."""
    where = ["--rootdir=.", "--confcutdir=."]
    return [*where, "-c", asked.path or "/dev/null"]
