"""The test-runner verifier."""

from .base.baseline import (
    Baseline as Baseline,
    Trace as Trace,
)
from .base.held_out import (
    HoldOut as HoldOut,
)
from .command.command_tests import (
    CommandTests as CommandTests,
)
from .project_tests import (
    ProjectTests as ProjectTests,
)
from .running.failures import (
    Failure as Failure,
    Frame as Frame,
)
from .running.limits import (
    SuiteLimits as SuiteLimits,
)
from .running.site import (
    Isolation as Isolation,
)
