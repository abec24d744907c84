"""Why a test failed, as a traceback tells it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One place in a traceback, inside the tree."""

    path: str
    line: int
    """1-based."""
    function: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a test failed."""

    error: str
    """Name of the exception's class."""
    message: str
    path: str
    """Of the innermost frame inside the tree; empty where there is none."""
    line: int
    frames: tuple[Frame, ...]
