from __future__ import annotations

import typing

import pytest

from agent.errors import ConfigError, EditError, JournalError, ToolCrash
from agent.failures import EXIT_CODES, ending_of
from agent.types import Outcome
from engine import ContextError, EngineError, LoadError
from verifiers import BaseStateError, SandboxError, VerifierError


@pytest.mark.parametrize(
    ("error", "outcome", "code"),
    [
        (KeyboardInterrupt(), "interrupted", 130),
        (ConfigError("x"), "failed", 2),
        (EditError("x"), "failed", 2),
        (BaseStateError("x", reason="not_a_directory"), "failed", 2),
        (BaseStateError("x", reason="nothing_red"), "base_wrong", 3),
        (BaseStateError("x", reason="unknown_target"), "base_wrong", 3),
        (EngineError("x"), "failed", 5),
        (LoadError("x"), "failed", 5),
        (ContextError(2, 1, "x"), "failed", 5),
        (SandboxError("x"), "failed", 5),
        (VerifierError("x"), "failed", 5),
        (JournalError("x"), "failed", 5),
        (ToolCrash("x", OSError("y")), "failed", 5),
        (ZeroDivisionError("x"), "failed", 5),
    ],
)
def test_every_error_has_its_code(error: BaseException, outcome: str, code: int) -> None:
    ending = ending_of(error)
    assert (ending.outcome, ending.exit_code) == (outcome, code)
    assert ending.message
    assert ending.is_known is not isinstance(error, ZeroDivisionError)


def test_every_outcome_has_a_code_of_its_own() -> None:
    assert set(EXIT_CODES) == set(typing.get_args(Outcome))
    assert len(set(EXIT_CODES.values())) == len(EXIT_CODES)
    assert [name for name, code in EXIT_CODES.items() if code == 0] == ["winner"]
