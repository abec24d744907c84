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
    BaseReason as BaseReason,
    BaseStateError as BaseStateError,
    SandboxError as SandboxError,
    VerifierError as VerifierError,
)
from .parsing import (
    parse_python as parse_python,
)
from .paths import (
    is_test_path as is_test_path,
)
from .sandbox import (
    SandboxLimits as SandboxLimits,
)
from .snapshot import (
    take_snapshot as take_snapshot,
)
from .suite import (
    Baseline as Baseline,
    CommandTests as CommandTests,
    Failure as Failure,
    Frame as Frame,
    HoldOut as HoldOut,
    Isolation as Isolation,
    ProjectTests as ProjectTests,
    SuiteLimits as SuiteLimits,
    Trace as Trace,
)
