"""One run of a command: a fresh copy of the tree, a sandbox of its own; its exit code and its report are all that counts."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import anyio

from verifiers.sandbox import BACKENDS, Group, Room, SandboxLimits, limited, own_name
from verifiers.suite.running.channel import Channel
from verifiers.suite.running.cold import kill_session, lay_out
from verifiers.suite.running.failures import Failure
from verifiers.suite.running.limits import RunLimits
from verifiers.suite.running.observations import Observations, TestRecord
from verifiers.suite.running.runs import Request, Result
from verifiers.suite.running.site import Site
from verifiers.suite.running.watching import Watch

from .junit import JUnitReport, read_report
from .words import CommandLine

_DEPENDENCIES = "node_modules"


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandRunner:
    """Runs one command in copies of one tree."""

    site: Site
    command: CommandLine
    junit: str
    """Path of the report that the command writes, relative to the tree; "" where there is none."""
    limits: RunLimits
    sandbox: SandboxLimits
    dependencies: tuple[str, ...]
    """Folders of the user's tree that are no part of it and that the command needs; shown read-only."""

    @property
    def room(self) -> Room:
        """What the command sees: the tree, the interpreter, the dependencies, the system."""
        room = self.site.room
        return replace(room, shown=(*room.shown, *self.dependencies))

    async def run(self, files: Mapping[str, bytes | None], hash_seed: int) -> Result:
        """Run it with these files changed; `seen` holds the tests of the report and the command itself as one.

        Raises:
            SandboxError: the sandbox cannot be entered.
        """
        with tempfile.TemporaryDirectory(prefix=own_name(), ignore_cleanup_errors=True) as folder:
            copy = replace(self.site, folder=Path(folder))
            request = Request(limits=self.limits, files=files)
            await anyio.to_thread.run_sync(self._lay_out, copy, request)
            async with limited(self.sandbox) as group:
                result = await _run(replace(self, site=copy), group, hash_seed)
                is_killed = group.num_killed_for_memory() > 0
            report = JUnitReport()
            if self.junit:
                report = await anyio.to_thread.run_sync(read_report, copy.tree, self.junit)
        seen = _observed(self.command, result, report)
        return replace(result, seen=seen, out_of_memory=is_killed)

    def _lay_out(self, copy: Site, request: Request) -> None:
        lay_out(self.site.tree, copy.tree, request)
        for path in request.files:
            _renew(self.site.tree / path, copy.tree / path)
        if self.junit:  # a report that lay there before says nothing of this run
            (copy.tree / self.junit).unlink(missing_ok=True)
        if self.site.isolation == "unsafe":
            for folder in self.dependencies:
                place = copy.tree / os.path.relpath(folder, self.site.place)
                place.parent.mkdir(parents=True, exist_ok=True)
                place.symlink_to(folder)


def find_dependencies(root: Path) -> tuple[str, ...]:
    """Folders of installed packages in a tree, outermost only."""
    found = []
    for folder, folders, _ in os.walk(root):
        if _DEPENDENCIES in folders:
            found.append(os.path.join(folder, _DEPENDENCIES))
        folders[:] = [n for n in folders if n not in (_DEPENDENCIES, ".git", ".venv", "venv")]
    return tuple(found)


def _renew(before: Path, after: Path) -> None:
    """A changed script stays one, and what `make` built of the old text is out of date."""
    if not after.exists():
        return
    if before.exists():
        shutil.copymode(before, after)
    os.utime(after)


async def _run(runner: CommandRunner, group: Group, hash_seed: int) -> Result:
    site, report, output = runner.site, Channel.open(), Channel.open()
    command, environment = runner.command.arguments, site.environment(hash_seed)
    limits = replace(runner.sandbox, cpu_seconds=runner.limits.cpu_seconds)
    if (
        group.paths
    ):  # that limits memory held; node and java ask for far more address space than they use
        limits = replace(limits, memory_bytes=0)
    if site.isolation != "unsafe":
        enter = BACKENDS[site.isolation]
        command = enter(runner.room, command, environment, limits, groups=group.paths)
        environment = {}
    try:
        process = await anyio.open_process(
            command,
            stdin=report.theirs.fileno(),
            stdout=output.theirs.fileno(),
            stderr=output.theirs.fileno(),
            cwd=site.tree if site.isolation == "unsafe" else None,
            env=environment,
            start_new_session=True,
        )
        try:
            report.theirs.close()
            output.theirs.close()
            watch = Watch(
                report=report,
                output=output,
                limits=runner.limits,
                ended=process.wait,
                kill=lambda: kill_session(process.pid),
                nonce="",
            )
            return _with_shell_status(await watch.result())
        finally:
            with anyio.CancelScope(shield=True):
                await kill_session(process.pid)
                await process.wait()
    finally:
        report.close()
        output.close()


def _with_shell_status(result: Result) -> Result:
    """128 + signal also where nothing stood between us and the killed process."""
    return replace(result, status=128 - result.status) if result.status < 0 else result


def _observed(command: CommandLine, result: Result, report: JUnitReport) -> Observations:
    """The report's tests and, as one more, the command: passed when it ended with 0."""
    end = "passed" if result.status == 0 and not result.stopped else "failed"
    why = report.problem or _last_lines(result)
    failure = Failure(error=f"exit status {result.status}", message=why, path="", line=0, frames=())
    failures = {**report.failures, **({} if end == "passed" else {command.name: failure})}
    outcomes = {**report.outcomes, command.name: end}
    seconds = {**report.seconds, command.name: result.seconds}
    tests = {
        test: _record(outcome, seconds.get(test, 0.0), failures.get(test))
        for test, outcome in outcomes.items()
    }
    # Empty for a report that can be read, and for none that was asked for.
    problems = {command.name: report.problem} if report.problem else {}
    return Observations(
        tests=tests,
        end=min(result.status, 1),
        num_collected=len(tests),
        collection_errors=problems,
    )


def _record(outcome: str, seconds: float, failure: Failure | None) -> TestRecord:
    return TestRecord(
        phases=Counter(("setup", "call", "teardown")),
        finished=1,
        failed={"failed": "call", "error": "setup"}.get(outcome, ""),
        skipped=outcome == "skipped",
        seconds=seconds,
        failure=failure if outcome in ("failed", "error") else None,
    )


def _last_lines(result: Result) -> str:
    lines = [line.strip() for line in result.tail.splitlines() if line.strip()]
    return " / ".join(lines[-3:]) or "nothing was printed"
