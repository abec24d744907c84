"""Another order of the same tests, as arguments of pytest: what a person can give by hand to see the same."""

from __future__ import annotations

import random
import shlex
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from verifiers.suite.running.runs import Request

_MOST_IDS = 500
_MOST_CHARACTERS = 100_000
"""Of a command line: the system takes more, a reader does not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Arguments that name what is to run; empty is the order of the project."""

    seed: int
    """Of the shuffle, and of the hashes of the run."""
    arguments: tuple[str, ...] = ()

    def without(self, hidden: Collection[str]) -> Order:
        """The same order of what is left. `hidden` are options that leave out tests (`--ignore`, `--deselect`)."""
        left = {option.partition("=")[2] for option in hidden}
        kept = tuple(name for name in self.arguments if name not in left)
        return Order(seed=self.seed, arguments=kept)


def shuffled(tests: Sequence[str], seed: int) -> Order:
    """The files of these tests in another order; the tests themselves where there is but one file, and not too many.

    The project's order is kept where no other one can be given.
    """
    names = list(dict.fromkeys(test.partition("::")[0] for test in tests))
    if len(names) == 1:
        names = list(tests) if len(tests) <= _MOST_IDS else []
    if len(names) < 2 or sum(map(len, names)) > _MOST_CHARACTERS:
        return Order(seed=seed)
    mixed = random.Random(seed).sample(names, len(names))
    return Order(seed=seed, arguments=tuple(mixed if mixed != names else names[::-1]))


def command_line(request: Request, hash_seed: int) -> str:
    """What a person types in the project's folder, with its environment active, to repeat a run."""
    words = ["python", "-m", "pytest", *request.arguments, *request.tests]
    return f"PYTHONHASHSEED={hash_seed} {shlex.join(words)}"
