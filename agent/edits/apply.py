"""A change written to a tree: every file atomically, all of them or none.

Each new text goes to a temporary file beside its target, is flushed to the disk and takes the
target's place by a rename. When anything fails on the way, the files that were already replaced get
their old bytes back.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

from agent.errors import EditError
from verifiers import Change, FileChange

from .paths import check_not_linked, check_path


def apply_change(change: Change, root: Path) -> None:
    """Write `change` to the tree at `root`; the mode bits of existing files stay.

    Interruption rolls back as failure does; a killed process can leave a mix of old and new files,
    each of them whole.

    Raises:
        EditError: a path leaves the tree, or a file differs from what the change starts from.
        OSError: a file cannot be written; nothing is changed then.
    """
    for path, file in change.files.items():
        check_path(path)
        check_not_linked(root, path)
        _check_base(root / path, path, file)
    with ExitStack() as undo:
        staged = {path: _staged(root / path, file, undo) for path, file in change.files.items()}
        for path, file in change.files.items():
            _check_base(root / path, path, file)
            _swap(root / path, staged[path], file, undo)
        undo.pop_all()


def reverse(change: Change) -> Change:
    """The change that takes `change` back."""
    return Change(
        {
            path: FileChange(before=file.after, after=file.before)
            for path, file in change.files.items()
        }
    )


def _check_base(target: Path, path: str, file: FileChange) -> None:
    current = _bytes(target)
    if current != file.before:
        wanted = "exist" if file.before is not None else "be free"
        seen = "is gone" if current is None else "has other bytes now"
        raise EditError(f"{path} must {wanted} as it was when the change was made, and {seen}")


def _bytes(target: Path) -> bytes | None:
    try:
        return target.read_bytes()
    except FileNotFoundError:
        return None


def _staged(target: Path, file: FileChange, undo: ExitStack) -> Path | None:
    if file.after is None:
        return None
    _make_folders(target.parent, undo)
    mode = stat.S_IMODE(target.stat().st_mode) if file.before is not None else _new_file_mode()
    return _temporary(target, file.after, mode, undo)


def _temporary(target: Path, content: bytes, mode: int, undo: ExitStack) -> Path:
    handle, name = tempfile.mkstemp(
        prefix=f".{target.name[:40]}.", suffix=".tmp", dir=target.parent
    )
    undo.callback(_forget, Path(name))
    with os.fdopen(handle, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fchmod(stream.fileno(), mode)
        os.fsync(stream.fileno())
    return Path(name)


def _swap(target: Path, staged: Path | None, file: FileChange, undo: ExitStack) -> None:
    undo.callback(_restorer(target, file))
    if staged is None:
        target.unlink()
    else:
        staged.replace(target)


def _restorer(target: Path, file: FileChange) -> Callable[[], None]:
    mode = stat.S_IMODE(target.stat().st_mode) if file.before is not None else 0

    def restore() -> None:
        if file.before is None:
            _forget(target)
        elif _bytes(target) != file.before:
            with ExitStack() as leftovers:
                _temporary(target, file.before, mode, leftovers).replace(target)

    return restore


def _make_folders(folder: Path, undo: ExitStack) -> None:
    missing = []
    while not folder.exists():
        missing.append(folder)
        folder = folder.parent
    for path in reversed(missing):
        path.mkdir()
        undo.callback(_forget_folder, path)


def _forget(path: Path) -> None:
    path.unlink(missing_ok=True)


def _forget_folder(path: Path) -> None:
    with suppress(OSError):
        path.rmdir()


def _new_file_mode() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
