"""Held-out tests: those that choosing never sees. A change that was fitted to the visible ones falls here."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from verifiers.errors import BaseStateError

from .baseline import Baseline


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldOut:
    """Which tests are held out.

    Args:
        names: ids of tests, files or folders.
        share: of the other test files, from 0 to 1, chosen by the hash of their path.
    """

    names: tuple[str, ...] = ()
    share: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.share < 1:
            raise ValueError(f"hold out a share from 0 to below 1, not {self.share:g}")

    @classmethod
    def parse(cls, words: Sequence[str]) -> HoldOut:
        """Names, and at most one number among them: `0.3`, `tests/test_slow.py`.

        Raises:
            ValueError: two numbers, or a share that is none.
        """
        shares = [float(word) for word in words if _is_number(word)]
        if len(shares) > 1:
            raise ValueError(f"hold out one share, not {len(shares)}: {shares}")
        names = tuple(word for word in words if not _is_number(word))
        return cls(names=names, share=shares[0] if shares else 0.0)

    def split(self, baseline: Baseline) -> Baseline:
        """The baseline without the held-out tests, which it then names in `held_out`.

        Raises:
            BaseStateError: a name that no test has, or no target is left to see.
        """
        tests = {*baseline.outcomes, *baseline.flaky}
        held = {test for name in self.names for test in _named(name, tests)}
        files = sorted({_file(test) for test in tests - held}, key=_shuffled)
        chosen = frozenset(files[: int(self.share * len(files) + 0.5)])
        held |= {test for test in tests if _file(test) in chosen}
        targets = tuple(test for test in baseline.targets if test not in held)
        if baseline.targets and not targets:
            raise BaseStateError(
                f"all {len(baseline.targets)} red tests are held out: leave one to be seen, or name fewer",
                reason="nothing_red",
            )
        return replace(
            baseline,
            outcomes={test: o for test, o in baseline.outcomes.items() if test not in held},
            flaky=baseline.flaky - held,
            targets=targets,
            held_out=baseline.must_pass & held,
            hidden=frozenset(held),
        )


def unseen(baseline: Baseline) -> tuple[str, ...]:
    """Arguments of pytest that leave out what a split baseline hides."""
    seen = {_file(test) for test in (*baseline.outcomes, *baseline.flaky)}
    files = sorted({_file(test) for test in baseline.hidden} - seen)
    rest = sorted(test for test in baseline.hidden if _file(test) in seen)
    return (*(f"--ignore={file}" for file in files), *(f"--deselect={test}" for test in rest))


def held_out_files(baseline: Baseline) -> tuple[str, ...]:
    """The files to run for the held-out tests."""
    return tuple(sorted({_file(test) for test in baseline.held_out}))


def _named(name: str, tests: set[str]) -> set[str]:
    found = {
        test
        for test in tests
        if test == name or test.startswith((f"{name}::", f"{name}[", f"{name.rstrip('/')}/"))
    }
    if not found:
        raise BaseStateError(
            f"there is no test {name} to hold out in the base: name an id, a file or a folder",
            reason="unknown_target",
        )
    return found


def _file(test: str) -> str:
    return test.partition("::")[0]


def _shuffled(path: str) -> bytes:
    return hashlib.sha256(path.encode("utf-8", "surrogateescape")).digest()


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True
