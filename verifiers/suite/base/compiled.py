"""Compiled files of a tree as one archive, so that a base that is known already starts without compiling it again."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path, PurePosixPath

MOST_BYTES = 64 << 20
"""Of an archive that is worth keeping."""
_FOLDER = "__pycache__"


def pack_compiled(tree: Path) -> bytes:
    """All compiled files below `tree`; empty when they are too many to be kept."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for path in compiled_files(tree):
            archive.write(path, path.relative_to(tree).as_posix())
    return buffer.getvalue() if buffer.tell() <= MOST_BYTES else b""


def unpack_compiled(data: bytes, tree: Path) -> None:
    """Put the files back beside their sources; what does not belong into a folder of compiled files is left out.

    Raises:
        zipfile.BadZipFile: it is no archive.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for name in archive.namelist():
            folder = tree / PurePosixPath(name).parent
            if _is_compiled(name) and folder.parent.is_dir() and not folder.is_symlink():
                folder.mkdir(exist_ok=True)
                (folder / PurePosixPath(name).name).write_bytes(archive.read(name))


def stamps_of(tree: Path, files: tuple[str, ...]) -> str:
    """Hex digest of the times and sizes by which Python tells whether a compiled file is fresh."""
    digest = sha256()
    for name in files:
        if name.endswith(".py"):
            found = (tree / name).stat()
            digest.update(f"{found.st_mtime_ns} {found.st_size} {name!r}\n".encode())
    return digest.hexdigest()


def compiled_files(tree: Path) -> Iterator[Path]:
    """The compiled files below `tree`."""
    for path in sorted(tree.rglob(f"{_FOLDER}/*.pyc")):
        if not path.is_symlink() and path.is_file():
            yield path


def _is_compiled(name: str) -> bool:
    path = PurePosixPath(name)
    inside = not path.is_absolute() and ".." not in path.parts
    return inside and path.suffix == ".pyc" and path.parent.name == _FOLDER
