"""Errors of the verifiers package.

VerifierError
├── BaseStateError   the base tree cannot be judged with: nothing red, no tests, a suite that cannot be collected
└── SandboxError     the sandbox cannot be set up on this machine
"""

from typing import Literal, TypeAlias

BaseReason: TypeAlias = Literal[
    "not_a_directory",
    "no_tests",
    "nothing_red",
    "target_not_red",
    "unknown_target",
    "collection_failed",
    "suite_timeout",
    "flaky",
]


class VerifierError(Exception):
    """Root of what the verifiers package raises."""


class BaseStateError(VerifierError):
    """Raised when the tests of the base tree cannot be run or are not in the state that was asked for."""

    def __init__(self, message: str, *, reason: BaseReason) -> None:
        super().__init__(message)
        self.reason: BaseReason = reason
        """What is wrong, for programs."""


class SandboxError(VerifierError):
    """Raised when no sandbox that is strong enough can be set up."""
