"""A verifier of one's own beside the project's tests: no fix that brings new imports."""

from __future__ import annotations

import ast
from pathlib import Path

import anyio

from agent import Agent, Run, Task
from engine import SampleRequest, ScriptedEngine
from verifiers import Change, Complexity, Finding, Snapshot, Verdict

REPOSITORY = Path(__file__).parent / "repositories" / "slots"
BROKEN = "        if gap.minutes > needed:"
FIXES = (
    "|        import operator\n|        if operator.ge(gap.minutes, needed):\n",
    "|        if gap.minutes >= needed:\n",
)


class NoNewImports:
    """Passes changes that import only what their files imported before."""

    name = "no-new-imports"

    async def prepare(self, snapshot: Snapshot) -> None:
        """Nothing to look at: a change brings both sides of each file."""

    async def verify(self, change: Change) -> Verdict:
        """One finding for each module that is new to a file."""
        found = _new_imports(change)
        return Verdict(
            verifier=self.name,
            passed=not found,
            score=0.0 if found else 1.0,
            outcome="failed" if found else "passed",
            findings=tuple(found),
        )


def _new_imports(change: Change) -> list[Finding]:
    return [
        Finding(kind="import.new", message=f"imports {module}", path=path)
        for path, file in change.files.items()
        if path.endswith(".py")
        for module in sorted(_imports(file.after) - _imports(file.before))
    ]


def _imports(source: bytes | None) -> set[str]:
    try:
        nodes = list(ast.walk(ast.parse(source or b"")))
    except SyntaxError:
        return set()  # The other verifiers say so.
    plain = {alias.name for n in nodes if isinstance(n, ast.Import) for alias in n.names}
    return plain | {n.module or "." for n in nodes if isinstance(n, ast.ImportFrom)}


def answers(request: SampleRequest) -> list[str]:
    """Two change streams for the function that holds the broken line, none for any other."""
    passage = request.passage
    if passage is None or BROKEN not in passage.lines:
        return []
    anchor = passage.anchors[passage.lines.index(BROKEN)]
    return [f"@@ edit {passage.path} {anchor}..{anchor}\n{fix}@@ done 1\n" for fix in FIXES]


async def main() -> None:
    agent = Agent(ScriptedEngine(answers), verifiers=(NoNewImports(), Complexity()))
    show(await agent.run(Task(repo=REPOSITORY)))


def show(run: Run) -> None:
    for candidate in run.candidates:
        print(f"candidate {candidate.index}: {'passed' if candidate.passed else 'out'}")
        for verdict in candidate.verdicts:
            level = [verdict.level] if verdict.level != "none" else []
            notes = [*level, *(finding.message for finding in verdict.findings)]
            print(f"  {verdict.verifier}: {verdict.outcome}", *notes, sep="; ")
    print(f"{run.outcome}: {run.selection.reason}")
    if run.winner and run.winner.change:
        print(run.winner.change.patch(), end="")


if __name__ == "__main__":
    anyio.run(main)
