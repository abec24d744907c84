"""Tests that fail for want of something that the sandbox does not give: a network, a home, a file of this machine.

Of the clean base only, and only those whose failure looks like it: they run once more without a sandbox, in a private copy of the
tree, as the user runs them every day. What passes there cannot be judged inside, and is charged to nobody.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import replace

from verifiers.sandbox import SandboxLimits
from verifiers.suite.running.cold import run_cold
from verifiers.suite.running.failures import Failure
from verifiers.suite.running.limits import RunLimits
from verifiers.suite.running.runs import Request
from verifiers.suite.running.site import Site

_SECONDS = 60.0
_MOST_TESTS = 200
_NETWORK = frozenset(
    {"gaierror", "herror", "URLError", "ConnectionError", "ConnectionRefusedError"}
    | {
        "ConnectError",
        "ConnectTimeout",
        "NameResolutionError",
        "NewConnectionError",
        "MaxRetryError",
    }
    | {"ClientConnectorError", "ConnectionResetError", "TimeoutError", "PermissionError"}
)
_SAID = re.compile(
    "Network is unreachable|Name or service not known|Temporary failure in name resolution"
    "|Name resolution|Connection refused|Cannot assign requested address|No route to host"
    "|Permission denied|Operation not permitted|Read-only file system|Function not implemented",
    re.IGNORECASE,
)
_NO_FILE = re.compile(r"No such file or directory: b?['\"](?P<path>[^'\"]+)")


async def passing_outside(
    site: Site, request: Request, failures: Mapping[str, Failure], sandbox: SandboxLimits
) -> Mapping[str, Failure]:
    """Those of these red tests of the base that pass without a sandbox, and how they fail inside.

    Args:
        request: of the whole suite.
        failures: of the red tests.
    """
    tests = [test for test, one in failures.items() if looks_missing(one, site.place)]
    if not tests or site.isolation == "unsafe":
        return {}
    outside = replace(site, isolation="unsafe", inherited=dict(os.environ))
    asked = replace(
        request, tests=tests[:_MOST_TESTS], modules=False, limits=_limits(request.limits)
    )
    result = await run_cold(outside, asked, sandbox, hash_seed=0)
    outcomes = result.seen.outcomes
    return {test: failures[test] for test in tests if outcomes.get(test) == "passed"}


def looks_missing(failure: Failure, place: str) -> bool:
    """True where a failure may come from the sandbox. `place` is the path of the tree."""
    if failure.error in _NETWORK or _SAID.search(failure.message) is not None:
        return True
    found = _NO_FILE.search(failure.message)
    return found is not None and _is_elsewhere(found["path"], place)


def missing_note(missing: Mapping[str, Failure]) -> str:
    """One sentence for a person."""
    test, failure = next(iter(missing.items()))
    more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
    return (
        f"needs something that the sandbox does not give: {test}{more}"
        f" ({failure.error}: {failure.message.splitlines()[0] if failure.message else 'no text'});"
        " it passes outside, and counts for nothing"
    )


def _is_elsewhere(path: str, place: str) -> bool:
    """True for a path outside of the tree, and for the bare name of a program."""
    if not os.path.isabs(path):
        return "/" not in path and "." not in path
    return not os.path.normpath(path).startswith(place.rstrip("/") + "/")


def _limits(limits: RunLimits) -> RunLimits:
    return replace(limits, seconds=min(limits.seconds, _SECONDS))
