"""A base tree and a change in, a verdict out."""

from .base import (
    Change as Change,
    FileChange as FileChange,
    Finding as Finding,
    Level as Level,
    Severity as Severity,
    Snapshot as Snapshot,
    Verdict as Verdict,
    Verifier as Verifier,
)
from .complexity import (
    Complexity as Complexity,
    ComplexityDelta as ComplexityDelta,
)
from .errors import (
    BaseStateError as BaseStateError,
    SandboxError as SandboxError,
    VerifierError as VerifierError,
)
