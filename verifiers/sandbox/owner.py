"""Names that tell which process made a thing, so that what a killed process left behind can be found and removed."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_PREFIX = "winnow-"


def own_name(what: object = "") -> str:
    """A name, or the start of one, for something that this process makes and removes."""
    return f"{_owner(os.getpid())}{what}"


def stale_in(folder: Path) -> Iterator[Path]:
    """What processes of this process namespace made in `folder` that have ended."""
    for path in folder.glob(f"{_PREFIX}{_namespace()}-*"):
        pid = path.name.split("-")[2]
        if pid.isdigit() and not path.name.startswith(_owner(int(pid))):
            yield path


def sweep_scratch() -> None:
    """Remove the scratch folders of processes that were killed."""
    for path in stale_in(Path(tempfile.gettempdir())):
        with suppress(OSError):  # another process may be at it too
            if path.lstat().st_uid == os.geteuid() and not path.is_symlink():
                shutil.rmtree(path)


def _owner(pid: int) -> str:
    """The start of a process tells it from an earlier one of the same number."""
    try:
        started = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        started = "ended"
    return f"{_PREFIX}{_namespace()}-{pid}-{started}-"


def _namespace() -> str:
    try:
        return str(os.stat("/proc/self/ns/pid").st_ino)
    except OSError:
        return "0"
