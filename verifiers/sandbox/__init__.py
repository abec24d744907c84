"""Rooms for programs that are not trusted, made of Linux namespaces."""

from .probe import (
    check_namespaces as check_namespaces,
)
from .room import (
    TOOLS as TOOLS,
    Room as Room,
    SandboxLimits as SandboxLimits,
)
