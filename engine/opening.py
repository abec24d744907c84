"""`engine.load`: from a folder or a name on a hub to an engine that answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeAlias

import torch
from anyio import to_thread

from .base import EngineInfo
from .chat import ChatTokenizer
from .errors import LoadError
from .local import LocalEngine
from .manifest import check_manifest, manifest_of
from .models.diffusion_gemma import DiffusionGemma

Dtype: TypeAlias = Literal["float32", "bfloat16"]
_KNOWN = {"diffusion_gemma": DiffusionGemma}
_FILES = ["*.json", "*.safetensors", "*.jinja", "*.model"]


async def load(
    name: str | Path,
    *,
    dtype: Dtype = "float32",
    device: str = "cpu",
    revision: str | None = None,
    expect: Mapping[str, str] | None = None,
) -> LocalEngine:
    """Load an open-weight text-diffusion model.

    Args:
        name: a folder with a checkpoint, or a name on the hub, which is downloaded once.
        dtype: of the weights.
        device: where they go, as torch names it.
        revision: of a name on the hub: a branch, a tag or a commit.
        expect: entries of a manifest that have to be as they are here; see `EngineInfo.manifest`.

    Raises:
        LoadError: transformers is not installed, or the checkpoint is missing, damaged, unknown or not the expected one.
    """
    facts = {"dtype": dtype, "device": device, "revision": revision or ""}
    return await to_thread.run_sync(_load, str(name), facts, dict(expect or {}))


def _load(name: str, facts: Mapping[str, str], expect: Mapping[str, str]) -> LocalEngine:
    folder = _folder(name, facts["revision"] or None)
    kind = _kind(folder)
    manifest = manifest_of(folder, facts)
    check_manifest(manifest, expect)
    model = kind.load(folder, getattr(torch, facts["dtype"]), facts["device"])
    info = EngineInfo(
        name="local",
        model=name,
        parameters=model.num_parameters,
        context_tokens=model.context_tokens,
        manifest=manifest,
    )
    return LocalEngine(model, ChatTokenizer.load(folder, model.end_ids), info)


def _folder(name: str, revision: str | None) -> Path:
    if (folder := Path(name)).is_dir():
        return folder
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import (
            HfHubHTTPError,
            HFValidationError,
            LocalEntryNotFoundError,
        )
    except ImportError as error:
        raise LoadError(
            f"{name} is no folder, and what downloads models is not installed:"
            " pip install 'winnow-agent[models]'"
        ) from error
    try:
        return Path(snapshot_download(name, revision=revision, allow_patterns=_FILES))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        raise LoadError(
            f"{name} is no folder, and cannot be had from the hub: {error}; name a folder that holds"
            " config.json and the weights, or a model that is there"
        ) from error


def _kind(folder: Path) -> type[DiffusionGemma]:
    try:
        settings: Any = json.loads((folder / "config.json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise LoadError(f"{folder}/config.json cannot be read: {error}") from error
    named = settings.get("model_type") if isinstance(settings, dict) else None
    if named not in _KNOWN:
        raise LoadError(
            f"{folder} holds a model of type {named!r}; known are {', '.join(sorted(_KNOWN))}"
        )
    try:
        import transformers  # noqa: F401
    except ImportError as error:
        raise LoadError(
            "open-weight models need transformers: pip install 'winnow-agent[models]'"
        ) from error
    return _KNOWN[str(named)]
