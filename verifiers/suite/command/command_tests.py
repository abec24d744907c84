"""CommandTests: a change passes when a command of the user's ends with 0 on it. For projects that do not test with pytest.

All that is seen is the exit code and, where one is written, a JUnit report: both are made by the judged code. There is no
sealed exam, so the highest level is `observed`.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import anyio

from verifiers.base import Change, Finding, Snapshot, Verdict
from verifiers.errors import BaseStateError, VerifierError
from verifiers.sandbox import check_isolation
from verifiers.suite.base.baseline import Baseline, Trace
from verifiers.suite.base.preload import installed_modules
from verifiers.suite.judging.judgement import judge, score
from verifiers.suite.running.limits import RunLimits, SuiteLimits
from verifiers.suite.running.site import Isolation, Site, open_site

from .baseline import check_command_run, make_command_baseline
from .policy import CommandPolicy
from .runs import CommandRunner, find_dependencies
from .words import CommandLine


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ready:
    """A base that was looked at."""

    runner: CommandRunner
    policy: CommandPolicy
    baseline: Baseline
    limiter: anyio.CapacityLimiter


class CommandTests:
    """The verifier that runs one command.

    Args:
        command: as typed into a shell, at the root of the project: `make check`. A shell runs it only where it has to.
        junit: path, relative to the project, of the JUnit report that the command writes; then single tests are compared.
        targets: `class::name` or `class` of tests in the report that are red and have to turn green; empty means all that is
            red, the command itself included.
        limits: time, memory and output of one run.
        isolation: "bubblewrap" makes the sandbox with that program; "unsafe" runs the command without one.
        python: the interpreter of the project, shown in the sandbox; by default its `.venv`, the active environment, or this one.
        workers: runs at a time; by default one less than there are processors.

    Raises:
        ValueError: the command is empty or cannot be split, `junit` leads out of the project, or targets have no report.
    """

    name = "tests"

    def __init__(
        self,
        command: str,
        *,
        junit: str = "",
        targets: Sequence[str] = (),
        limits: SuiteLimits | None = None,
        isolation: Isolation = "namespaces",
        python: Path | None = None,
        workers: int | None = None,
    ) -> None:
        self.command = CommandLine(command)
        self._junit = _plain(junit)
        self._wanted = tuple(targets)
        if targets and not junit:
            raise ValueError("single tests can only be named where the command writes a report")
        self._limits = limits or SuiteLimits()
        self._isolation: Isolation = isolation
        self._python = python
        self.workers = workers or max(1, (os.cpu_count() or 2) - 1)
        self._prepared: _Ready | None = None
        self._verdicts: dict[str, Verdict] = {}

    @property
    def baseline(self) -> Baseline:
        """What the command says of the base.

        Raises:
            VerifierError: `prepare` has not been called.
        """
        return self._ready.baseline

    async def prepare(self, snapshot: Snapshot) -> None:
        """Run the command twice on the base, which has to be red.

        Raises:
            BaseStateError: the command cannot be run, is green, or says now this and now that.
            SandboxError: no sandbox can be set up.
        """
        await self.aclose()
        await check_isolation(self._isolation)
        self._check_report_place(snapshot)
        site = await open_site(snapshot, self._python, self._isolation, needs_pytest=False)
        try:
            self._prepared = await self._look(snapshot, self._runner(snapshot, site))
        except BaseException:
            site.close()
            raise

    async def verify(self, change: Change) -> Verdict:
        """Run the command with the change. Level `observed`."""
        if refused := self._refuse(change):
            return refused
        if change.digest not in self._verdicts:
            self._verdicts[change.digest] = await self._judged(change, hash_seed=0)
        return self._verdicts[change.digest]

    async def confirm(self, change: Change) -> Verdict:
        """Run it once more, from nothing. The level stays `observed`: an exit code cannot be sealed."""
        return self._refuse(change) or await self._judged(change, hash_seed=1)

    async def trace(self) -> Trace:
        """Nothing: which lines a command runs is not seen."""
        return Trace(lines={})

    async def aclose(self) -> None:
        """Remove the copy of the tree."""
        ready, self._prepared = self._prepared, None
        self._verdicts.clear()
        if ready is not None:
            ready.runner.site.close()

    @property
    def _ready(self) -> _Ready:
        if self._prepared is None:
            raise VerifierError("the tests verifier is not prepared: await prepare(snapshot) first")
        return self._prepared

    def _runner(self, snapshot: Snapshot, site: Site) -> CommandRunner:
        runner = CommandRunner(
            site=site,
            command=self.command,
            junit=self._junit,
            # A red base may end early: what it took says nothing of what a mended one takes.
            limits=RunLimits(
                seconds=self._limits.seconds,
                test_seconds=self._limits.seconds,
                output_bytes=self._limits.output_bytes,
            ),
            sandbox=self._limits.sandbox,
            dependencies=find_dependencies(snapshot.root),
        )
        if site.isolation != "unsafe":
            runner.room.prepare_mount_points()
        return runner

    async def _look(self, snapshot: Snapshot, runner: CommandRunner) -> _Ready:
        runs = []
        for hash_seed in (0, 1):
            runs.append(await runner.run({}, hash_seed))
            check_command_run(self.command, runs[-1])
        installed = installed_modules(runner.site.interpreter.paths)
        return _Ready(
            runner=runner,
            policy=CommandPolicy(snapshot, self.command, self._junit, installed),
            baseline=make_command_baseline(self.command, runs[0], runs[1], self._wanted),
            limiter=anyio.CapacityLimiter(self.workers),
        )

    def _refuse(self, change: Change) -> Verdict | None:
        policy = self._ready.policy
        for outcome, findings in (
            ("tampered", policy.tampered(change)),
            ("invalid", policy.invalid(change)),
        ):
            if findings:
                return _refusal(outcome, findings)
        return None

    async def _judged(self, change: Change, hash_seed: int) -> Verdict:
        ready = self._ready
        files = {path: file.after for path, file in change.files.items()}
        async with ready.limiter:
            result = await ready.runner.run(files, hash_seed)
        found = judge(result, ready.baseline.must_pass)
        return Verdict(
            verifier=self.name,
            passed=found.passed,
            score=score(ready.baseline, found, True),
            outcome=found.outcome,
            level="observed",
            findings=found.findings,
            seconds=result.seconds,
            tests=result.seen.outcomes,
            command=self.command.text,
        )

    def _check_report_place(self, snapshot: Snapshot) -> None:
        place = snapshot.root / self._junit
        if self._junit and (place.is_dir() or place.resolve() != snapshot.root / self._junit):
            raise BaseStateError(
                f"no report can be written at {self._junit}: a folder or a link is in the way; name another place",
                reason="no_tests",
            )


def _plain(junit: str) -> str:
    """The report's path as it is looked for.

    Raises:
        ValueError: it leads out of the project.
    """
    if not junit:
        return ""
    path = PurePosixPath(junit)
    if path.is_absolute() or ".." in path.parts or not path.parts or "\0" in junit:
        raise ValueError(f"the report {junit!r} has to lie in the project: name a relative path")
    return str(path)


def _refusal(outcome: str, findings: Sequence[Finding]) -> Verdict:
    return Verdict(
        verifier=CommandTests.name,
        passed=False,
        score=0.0,
        outcome=outcome,
        level="observed",
        findings=tuple(findings),
    )
