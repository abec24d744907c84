"""Every verifier's word on a change: cheap ones first, the tests last, none after a refusal."""

from __future__ import annotations

from collections.abc import Sequence

from agent import telemetry
from agent.types import SuiteRunner
from verifiers import Change, Snapshot, Verdict, Verifier


class Judges:
    """The verifiers of one run.

    Args:
        tests: runs the suite.
        verifiers: further ones, asked before the tests in the order given.
    """

    def __init__(self, tests: SuiteRunner, verifiers: Sequence[Verifier]) -> None:
        self.tests = tests
        self._verifiers = tuple(verifiers)

    async def prepare(self, snapshot: Snapshot) -> None:
        """Show the base tree to all of them; the tests first, which may have nothing to do.

        Raises:
            VerifierError: the base tree cannot be judged with.
        """
        for verifier in (self.tests, *self._verifiers):
            await verifier.prepare(snapshot)

    async def judge(self, change: Change) -> tuple[Verdict, ...]:
        """The verdicts up to the first that is not a pass.

        Raises:
            VerifierError: a verifier broke; a bad change is a verdict.
        """
        verdicts: list[Verdict] = []
        for verifier in (*self._verifiers, self.tests):
            with telemetry.span(f"verify {verifier.name}") as span:
                verdict = await verifier.verify(change)
                telemetry.record_verdict(span, verdict)
            verdicts.append(verdict)
            if not verdict.passed:
                break
        return tuple(verdicts)

    async def confirm(self, change: Change) -> Verdict:
        """The tests' last word, from nothing.

        Raises:
            SandboxError: no sandbox could be set up.
        """
        with telemetry.span("verify confirmation") as span:
            verdict = await self.tests.confirm(change)
            telemetry.record_verdict(span, verdict)
        return verdict
