"""A warm judge: one process per package holds the collected suite and answers "do these tests pass
with this function?"

A verdict costs a fork, a swap of one code object and the tests themselves: 5 to 15 ms. The process
has no network, sees its package read-only and writes to a temporary file system; every candidate
has limits of time, memory and file size.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from .functions import Function, same_signature
from .packages import Package

_WORKER = Path(__file__).with_name("worker.py")
_LEAST_SECONDS, _TIMES_CLEAN = 0.25, 4.0
_CONFINE = """
for folder in "$ROOT" "$PREFIX"; do
    mount --bind "$folder" "$folder" && mount -o remount,bind,ro "$folder" || exit 90
done
mount -t tmpfs -o size=512m tmpfs "$SCRATCH" && cd "$ROOT" && exec "$@"
"""


class JudgeError(Exception):
    """The judge's process broke: the suite cannot be collected, or its pipe is closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What the tests said of one function."""

    end: str
    """`done`, `timeout`, `crash`, or `no-swap` for a function that cannot be put in place."""
    outcomes: Mapping[str, str] = field(default_factory=dict)
    executed: Mapping[str, frozenset[int]] = field(default_factory=dict)
    """Lines that each test ran, 0 for the line of `def`; empty unless asked for."""
    raised: Mapping[str, int] = field(default_factory=dict)
    """The innermost line of the function in the traceback of each failed test that has one."""
    seconds: float = 0.0
    """Wall time."""
    cpu_seconds: float = 0.0
    """Processor time of the process and of the children that it waited for."""

    def passed(self, tests: Sequence[str]) -> bool:
        """True when every one of `tests` ran and passed."""
        return self.end == "done" and all(self.outcomes.get(test) == "passed" for test in tests)


class Judge:
    """Judges candidates for the functions of one package.

    Args:
        package: prepared: unpacked, its dependencies installed.
        confined: False where mount namespaces are not to be had (printed by the benchmark).

    Raises:
        JudgeError: the suite cannot be collected.
    """

    def __init__(self, package: Package, *, confined: bool = True) -> None:
        self.package = package
        self._scratch = tempfile.TemporaryDirectory(prefix="judge-")
        self._process, self._requests, self._answers = _start(
            package, Path(self._scratch.name), confined
        )
        self.tests: tuple[str, ...] = tuple(self._receive()["tests"])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the process and remove its scratch folder."""
        self._requests.close()
        self._process.terminate()
        self._process.wait()
        self._answers.close()
        self._scratch.cleanup()

    def passes(
        self, function: Function, source: str, tests: Sequence[str], clean_seconds: float = 0.05
    ) -> bool:
        """True when all `tests` pass with `source` in the place of the function; stops at the first
        that does not.
        """
        return self.run(function, source, tests, clean_seconds=clean_seconds).passed(tests)

    def run(
        self,
        function: Function,
        source: str,
        tests: Sequence[str],
        *,
        clean_seconds: float = 0.05,
        run_all: bool = False,
        trace: bool = False,
    ) -> Judgement:
        """Run `tests` in order.

        Args:
            function: the clean function, as it lies in the file.
            source: raw lines that take its place, with the file's indentation.
            tests: collected test ids.
            clean_seconds: processor time that the tests take with the clean function; four times
                that and a quarter of a second are allowed.
            run_all: go on after a test that does not pass.
            trace: collect the executed lines; slower.

        Raises:
            JudgeError: the process died.
        """
        try:
            signature_differs = not same_signature(function.source, source)
        except (SyntaxError, ValueError):
            return Judgement(end="crash")
        answer = self._ask(
            op="run",
            path=str(self.package.root / function.path),
            qualname=function.qualname,
            first_line=function.first_line,
            line=function.line,
            source=source,
            signature_differs=signature_differs,
            tests=list(tests),
            all=run_all,
            trace=trace,
            cpu_seconds=_LEAST_SECONDS + _TIMES_CLEAN * clean_seconds,
        )
        lines = [line for line in answer["lines"] if line[0]]
        return Judgement(
            end=answer["end"],
            outcomes={test: outcome for test, outcome, _, _ in lines},
            executed={test: frozenset(executed) for test, _, executed, _ in lines},
            raised={test: raised for test, _, _, raised in lines if raised is not None},
            seconds=answer["seconds"],
            cpu_seconds=answer["cpu_seconds"],
        )

    def survey(self, cpu_seconds: float) -> dict[str, Any] | None:
        """Run the whole suite once under coverage; None when it takes longer than `cpu_seconds`."""
        source = self.package.root / self.package.source
        include = [f"{source}/*" if source.is_dir() else str(source)]
        answer = self._ask(op="survey", include=include, cpu_seconds=cpu_seconds)
        found: dict[str, Any] | None = (
            json.loads(answer["lines"][-1][1]) if answer["end"] == "done" else None
        )
        return found

    def _ask(self, **request: Any) -> dict[str, Any]:
        try:
            self._requests.write(json.dumps(request).encode() + b"\n")
            self._requests.flush()
        except BrokenPipeError as error:
            raise JudgeError(f"{self.package.name}: the judge's process has ended") from error
        return self._receive()

    def _receive(self) -> dict[str, Any]:
        line = self._answers.readline()
        if not line:
            raise JudgeError(
                f"{self.package.name}: the judge's process ended with {self._process.wait()}"
            )
        answer: dict[str, Any] = json.loads(line)
        return answer


def can_confine() -> bool:
    """True where a process may have its own network and mounts."""
    probe = [*_unshare(), "mount", "-t", "tmpfs", "tmpfs", tempfile.gettempdir()]
    try:
        return subprocess.run(probe, check=False, capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


def _unshare() -> list[str]:
    as_root = [] if os.geteuid() == 0 else ["--map-root-user"]
    return ["unshare", *as_root, "--net", "--mount", "--propagation", "private", "--"]


def _start(
    package: Package, scratch: Path, confined: bool
) -> tuple[subprocess.Popen[bytes], IO[bytes], IO[bytes]]:
    requests_in, requests_out = os.pipe()
    answers_in, answers_out = os.pipe()
    worker = [
        str(package.python),
        "-P",
        str(_WORKER),
        str(package.root),
        str(requests_in),
        str(answers_out),
    ]
    command = [*worker, *package.pytest_arguments()]
    if confined:
        command = [*_unshare(), "sh", "-c", _CONFINE, "sh", *command]
    process = subprocess.Popen(
        command,
        cwd=package.root,
        env=_environment(package, scratch),
        pass_fds=(requests_in, answers_out),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(requests_in)
    os.close(answers_out)
    return process, os.fdopen(requests_out, "wb"), os.fdopen(answers_in, "rb")


def _environment(package: Package, scratch: Path) -> dict[str, str]:
    prefix = package.python.parent.parent
    return {
        "PATH": f"{package.python.parent}:/usr/bin:/bin",
        "PYTHONPATH": str(package.import_root),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        "OMP_NUM_THREADS": "1",
        "LC_ALL": "C.UTF-8",
        "TMPDIR": str(scratch),
        "HOME": str(scratch),
        "ROOT": str(package.root),
        "PREFIX": str(prefix),
        "SCRATCH": str(scratch),
    }
