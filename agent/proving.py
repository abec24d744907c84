"""A patch from outside, judged as a candidate is judged."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anyio.to_thread

from agent.edits.patch import parse_patch
from agent.errors import ConfigError
from agent.facts import verdict_facts
from agent.judging import Judges
from agent.levels import ONLY_OBSERVED, is_proof, level_reached
from agent.types import Outcome, SuiteRunner
from verifiers import Change, Complexity, Level, Verdict, take_snapshot

SCHEMA_VERSION = 1
_STEPS: Mapping[Level, str] = {
    "none": "",
    "observed": "",
    "sealed": "in the sealed exam: ",
    "confirmed": "judged from nothing: ",
    "held_out": "by the held-out tests: ",
}


async def prove_patch(repo: Path, patch: Path, tests: SuiteRunner) -> Mapping[str, Any]:
    """Verdicts on a patch as JSON values; `outcome` is `winner` only if it is confirmed.

    Raises:
        ConfigError: the patch cannot be read.
        EditError: it is no patch, or does not apply.
        BaseStateError: nothing is red, or the suite cannot be run.
        SandboxError: no sandbox could be set up.
    """
    text = await anyio.to_thread.run_sync(_read, patch)
    snapshot = await anyio.to_thread.run_sync(take_snapshot, repo)
    change = parse_patch(text, snapshot)
    judges = Judges(tests, (Complexity(),))
    await judges.prepare(snapshot)
    verdicts = await _verdicts(judges, change)
    outcome = _outcome(verdicts)
    facts = [verdict_facts(one) for one in verdicts]
    return {
        "schema_version": SCHEMA_VERSION,
        "outcome": outcome,
        "level": level_reached(verdicts),
        "reason": _reason(verdicts),
        "findings": [finding for fact in facts for finding in fact["findings"]],
        "confirmed": outcome == "winner",
        "targets": list(tests.baseline.targets),
        "change": change.digest,
        "verdicts": facts,
    }


async def _verdicts(judges: Judges, change: Change) -> tuple[Verdict, ...]:
    verdicts = await judges.judge(change)
    if not all(one.passed for one in verdicts):
        return verdicts
    return (*verdicts, await judges.confirm(change))


def _outcome(verdicts: tuple[Verdict, ...]) -> Outcome:
    last = verdicts[-1]
    if is_proof(last):
        return "winner"
    return "tampered" if last.outcome == "tampered" else "none"


def _reason(verdicts: tuple[Verdict, ...]) -> str:
    last = verdicts[-1]
    if last.passed and not is_proof(last):
        return f"the patch is not proved: {ONLY_OBSERVED}"
    if last.passed:
        more = ", and so do the held-out tests" if last.level == "held_out" else ""
        return f"the patch is confirmed: the whole suite passes with it, judged from nothing{more}"
    return f"{last.verifier} refused the patch: {_STEPS[last.level]}{last.outcome}"


def _read(patch: Path) -> bytes:
    try:
        return sys.stdin.buffer.read() if str(patch) == "-" else patch.read_bytes()
    except OSError as error:
        raise ConfigError(f"the patch {patch} cannot be read: {error.strerror}") from error
