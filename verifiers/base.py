"""What a verifier is: a base tree and a change go in, a verdict comes out. No model and no agent is known here."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal, Protocol, TypeAlias, runtime_checkable

Level: TypeAlias = Literal["none", "observed", "sealed", "confirmed", "held_out"]
Severity: TypeAlias = Literal["note", "warning", "error"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that a verifier saw, fit to be shown to a person or a model."""

    kind: str
    """Short, stable, dotted: `test.failed`, `policy.protected-path`, `complexity.similar`."""
    message: str
    path: str = ""
    line: int = 0
    """1-based; 0 when no line is meant."""
    severity: Severity = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What one verifier says of one change."""

    verifier: str
    passed: bool
    score: float
    """0..1, higher is better."""
    outcome: str = ""
    """One word: `passed`, `failed`, `timeout`, `crash`, `memory`, `flood`, `tampered`, `invalid`."""
    level: Level = "none"
    findings: tuple[Finding, ...] = ()
    seconds: float = 0.0
    phases: Mapping[str, float] = field(default_factory=dict)
    """Seconds by step, where there is more than one: `targets`, `whole`, `sealed`, `confirmed`, `held_out`."""
    tests: Mapping[str, str] = field(default_factory=dict)
    """Outcome per test id, where the verifier ran tests."""
    command: str = ""
    """What a person types in the changed project to see the same, where there is such a line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileChange:
    """One file before and after; None means that the file does not exist on that side."""

    before: bytes | None
    after: bytes | None


@dataclass(frozen=True)
class Change:
    """Path -> before and after. Content-addressed: equal changes have equal digests.

    Paths are relative, with forward slashes, and lie inside the tree.
    """

    files: Mapping[str, FileChange]

    @cached_property
    def digest(self) -> str:
        """Hex SHA-256 over paths and contents after the change."""
        digest = hashlib.sha256()
        for path in sorted(self.files):
            after = self.files[path].after
            digest.update(
                path.encode("utf-8", "surrogateescape")
                + b"\0"
                + (b"-" if after is None else b"+" + _sha256(after))
            )
        return digest.hexdigest()

    @property
    def is_empty(self) -> bool:
        """True when nothing differs."""
        return all(file.before == file.after for file in self.files.values())

    def patch(self) -> str:
        """The change as a unified diff that `git apply` takes."""
        return "".join(_file_patch(path, self.files[path]) for path in sorted(self.files))


@dataclass(frozen=True)
class Snapshot:
    """The base tree, read-only. `files` are the paths that count: no .git, caches or virtual environments."""

    root: Path
    files: tuple[str, ...]
    digest: str

    def read(self, path: str) -> bytes:
        """The bytes of one file.

        Raises:
            FileNotFoundError: the snapshot has no such file.
        """
        if path not in self._known:
            raise FileNotFoundError(path)
        return (self.root / path).read_bytes()

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self.files)


@runtime_checkable
class Verifier(Protocol):
    """Judges changes against one base tree."""

    @property
    def name(self) -> str:
        """Short and stable."""

    async def prepare(self, snapshot: Snapshot) -> None:
        """Look at the base tree once.

        Raises:
            VerifierError: the base tree cannot be judged with.
        """

    async def verify(self, change: Change) -> Verdict:
        """Judge one change. A bad change is a verdict, never an exception."""


def _sha256(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


def _file_patch(path: str, file: FileChange) -> str:
    if file.before == file.after:
        return ""
    old = f"a/{path}" if file.before is not None else "/dev/null"
    new = f"b/{path}" if file.after is not None else "/dev/null"
    head = [f"diff --git a/{path} b/{path}\n"]
    if file.before is None:
        head.append("new file mode 100644\n")
    if file.after is None:
        head.append("deleted file mode 100644\n")
    body = difflib.unified_diff(_lines(file.before), _lines(file.after), old, new)
    return "".join([*head, *_with_end_marks(body)])


def _lines(content: bytes | None) -> list[str]:
    text = (content or b"").decode("utf-8", "surrogateescape")
    return [line + "\n" for line in text.split("\n")[:-1]] + (
        [tail] if (tail := text.split("\n")[-1]) else []
    )


def _with_end_marks(lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        yield line if line.endswith("\n") else line + "\n\\ No newline at end of file\n"
