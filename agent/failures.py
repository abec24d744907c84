"""How a command ends that did not come to a decision: outcome, exit code, and a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from agent.errors import AgentError, ConfigError, EditError
from agent.types import Outcome
from engine import EngineError
from verifiers import BaseStateError, VerifierError

EXIT_CODES: Mapping[Outcome, int] = {
    "winner": 0,
    "none": 1,
    "base_wrong": 3,
    "budget": 4,
    "failed": 5,
    "tampered": 6,
    "interrupted": 130,
}
USAGE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """The end of a command that was broken off."""

    outcome: Outcome
    exit_code: int
    message: str
    is_known: bool = True
    """False for errors that only a fault of winnow explains."""


def ending_of(error: BaseException) -> Ending:
    """What an error means to the one who called the command."""
    match error:
        case KeyboardInterrupt():
            return _ending(
                "interrupted", "interrupted; without --apply the project is never changed"
            )
        case BaseStateError(reason="not_a_directory") | ConfigError() | EditError():
            return Ending(outcome="failed", exit_code=USAGE, message=str(error))
        case BaseStateError():
            return _ending("base_wrong", str(error))
        case EngineError() | VerifierError() | AgentError():
            return _ending("failed", str(error))
        case _:
            message = f"winnow broke: {type(error).__name__}: {error}"
            return Ending(outcome="failed", exit_code=5, message=message, is_known=False)


def _ending(outcome: Outcome, message: str) -> Ending:
    return Ending(outcome=outcome, exit_code=EXIT_CODES[outcome], message=message)
