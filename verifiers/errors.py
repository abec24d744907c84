"""Errors of the verifiers package.

    VerifierError
    ├── BaseStateError   the base tree cannot be judged with: nothing red, no tests, a suite that cannot be collected
    └── SandboxError     the sandbox cannot be set up on this machine
"""


class VerifierError(Exception):
    """Root of what the verifiers package raises."""


class BaseStateError(VerifierError):
    """Raised when the tests of the base tree cannot be run or are not in the state that was asked for."""


class SandboxError(VerifierError):
    """Raised when no sandbox that is strong enough can be set up."""
