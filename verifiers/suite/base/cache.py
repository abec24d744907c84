"""What the runs of a base showed, kept between runs of winnow, so that a tree that did not change is not measured again.

A file that is damaged, old, or another user's is no file. What a confirmation proves never comes from here: see `confirming.py`.
"""

from __future__ import annotations

import os
import tempfile
import time
import zipfile
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError

from verifiers.base import Snapshot
from verifiers.suite.running.site import Site

from .baseline import Measured
from .compiled import MOST_BYTES, pack_compiled, stamps_of, unpack_compiled

_MOST_ENTRIES = 50
_MOST_ENTRY_BYTES = 64 << 20
_FLAKY_SECONDS = 24 * 3600.0
"""A base with flaky tests is measured again after that long: another run may find more of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One file of the cache."""

    made: float
    """Seconds since the epoch."""
    stamps: str
    """Digest of the times of the sources that the compiled files belong to."""
    archive: str
    """Digest of the archive of compiled files; empty where none is kept."""
    measured: Measured


_READER = TypeAdapter(Entry)


def default_folder() -> Path | None:
    """`$XDG_CACHE_HOME/winnow/baselines`, else below `~/.cache`; None for a user without a home."""
    named = os.environ.get("XDG_CACHE_HOME", "")
    try:
        base = Path(named) if os.path.isabs(named) else Path.home() / ".cache"
    except RuntimeError:
        return None
    return base / "winnow" / "baselines"


@dataclass(frozen=True, slots=True)
class Cache:
    """The entry of one base. Nothing here raises: a cache that cannot be used is none.

    Args:
        folder: of all entries; made when it is needed.
        key: of this base, by `cache_key`.
    """

    folder: Path
    key: str

    def load(self) -> Entry | None:
        """What is known of this base; None if nothing is, or nothing that holds."""
        entry = self._read()
        if entry is None or (
            entry.measured.flaky and not 0 <= time.time() - entry.made < _FLAKY_SECONDS
        ):
            return None
        with suppress(OSError):
            os.utime(self._file("json"))  # the newest are kept
        return entry

    def restore_compiled(self, entry: Entry, snapshot: Snapshot, site: Site) -> bool:
        """Put the compiled files into the site's tree; False where none are kept that fit it."""
        if not entry.archive or entry.stamps != stamps_of(site.tree, snapshot.files):
            return False
        try:
            data = _read_own(self._file("zip"), MOST_BYTES)
            if sha256(data).hexdigest() != entry.archive:
                return False
            unpack_compiled(data, site.tree)
        except (OSError, zipfile.BadZipFile):
            return False
        return True

    def save(self, measured: Measured, snapshot: Snapshot, site: Site) -> None:
        """Keep what was seen, and the compiled files of the site's tree."""
        with suppress(OSError):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            data = pack_compiled(site.tree)
            if data:
                self._write("zip", data)
            entry = Entry(
                made=time.time(),
                stamps=stamps_of(site.tree, snapshot.files),
                archive=sha256(data).hexdigest() if data else "",
                measured=measured,
            )
            self._write_entry(entry)
            self._prune()

    def add_flaky(self, tests: Collection[str]) -> None:
        """Remember tests that were found to come and go after the base had been measured."""
        entry = self._read()
        if entry is not None:
            with suppress(OSError):
                self._write_entry(replace(entry, measured=entry.measured.with_flaky(tests)))

    def forget(self) -> None:
        """Remove the entry."""
        with suppress(OSError):
            self._file("json").unlink(missing_ok=True)
            self._file("zip").unlink(missing_ok=True)

    def _read(self) -> Entry | None:
        try:
            seal, _, text = _read_own(self._file("json"), _MOST_ENTRY_BYTES).partition(b"\n")
            if seal != _seal(text):
                return None
            return _READER.validate_json(text)
        except (OSError, ValidationError):
            return None

    def _write_entry(self, entry: Entry) -> None:
        try:
            text = _READER.dump_json(entry)
        except PydanticSerializationError:
            return  # a path that is no text: such a base is measured anew each time
        self._write("json", _seal(text) + b"\n" + text)

    def _write(self, ending: str, data: bytes) -> None:
        """All of it or nothing, whatever else writes or ends meanwhile."""
        number, name = tempfile.mkstemp(dir=self.folder, prefix=".new-")
        try:
            with open(number, "wb") as file:
                file.write(data)
            os.replace(name, self._file(ending))
        except BaseException:
            os.unlink(name)
            raise

    def _prune(self) -> None:
        entries = sorted(self.folder.glob("*.json"), key=lambda path: -path.stat().st_mtime)
        kept = {path.stem for path in entries[:_MOST_ENTRIES]} | {self.key}
        for path in [*entries, *self.folder.glob("*.zip")]:
            if path.stem not in kept:
                path.unlink(missing_ok=True)

    def _file(self, ending: str) -> Path:
        return self.folder / f"{self.key}.{ending}"


def _read_own(path: Path, most_bytes: int) -> bytes:
    with open(path, "rb") as file:
        found = os.fstat(file.fileno())
        if found.st_uid != os.geteuid() or found.st_size > most_bytes:
            raise PermissionError(f"{path} is another user's, or too large")
        return file.read()


def _seal(text: bytes) -> bytes:
    return sha256(text).hexdigest().encode()
