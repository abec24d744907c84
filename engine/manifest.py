"""What a loaded model is made of: hashes and versions that make a run reproducible, and refuse a model that changed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from .errors import LoadError

_HASHED = ("*.safetensors", "tokenizer.json", "config.json", "generation_config.json")
_LIBRARIES = ("torch", "transformers", "tokenizers", "safetensors")
_CHUNK_BYTES = 1 << 22


def manifest_of(folder: Path, facts: Mapping[str, str]) -> dict[str, str]:
    """File names with their SHA-256, versions of libraries, and further facts."""
    files = sorted(path for pattern in _HASHED for path in folder.glob(pattern))
    return {**{path.name: _sha256(path) for path in files}, **_versions(), **facts}


def check_manifest(seen: Mapping[str, str], expected: Mapping[str, str]) -> None:
    """See that a model is the one that was expected; what `expected` does not name may be anything.

    Raises:
        LoadError: it is another one; the message names what differs.
    """
    other = [name for name in sorted(expected) if seen.get(name) != expected[name]]
    if not other:
        return
    name = other[0]
    more = f", and {len(other) - 1} more" if len(other) > 1 else ""
    raise LoadError(
        f"the model is not the expected one: {name} is {seen.get(name, 'missing')[:40]},"
        f" wanted {expected[name][:40]}{more}; load that one, or expect this one"
    )


def _versions() -> dict[str, str]:
    found = {}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
