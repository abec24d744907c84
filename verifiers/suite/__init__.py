"""The test-runner verifier."""

from .baseline import (
    Baseline as Baseline,
    Failure as Failure,
    Frame as Frame,
    Trace as Trace,
)
from .command_tests import (
    CommandTests as CommandTests,
)
from .held_out import (
    HoldOut as HoldOut,
)
from .limits import (
    SuiteLimits as SuiteLimits,
)
from .project_tests import (
    ProjectTests as ProjectTests,
)
from .site import (
    Isolation as Isolation,
)
