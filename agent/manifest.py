"""What a run was made with: enough to make it again."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import asdict
from importlib import metadata
from typing import Any

from agent.limits import Limits
from engine import EngineInfo
from verifiers import Snapshot

DISTRIBUTION = "winnow-agent"


def build_manifest(
    snapshot: Snapshot, info: EngineInfo, limits: Limits, *, call_format: str, seed: int
) -> Mapping[str, Any]:
    """Versions, hashes, limits and seed as JSON values."""
    return {
        "winnow": version(),
        "python": platform.python_version(),
        "platform": platform.platform(terse=True),
        "snapshot": snapshot.digest,
        "engine": {**asdict(info), "manifest": dict(info.manifest)},
        "format": call_format,
        "limits": asdict(limits),
        "seed": seed,
    }


def version() -> str:
    """The installed version; `unknown` where winnow runs from a folder that is not installed."""
    try:
        return metadata.version(DISTRIBUTION)
    except metadata.PackageNotFoundError:
        return "unknown"
