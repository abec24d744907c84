"""From the architecture that config.json names to the loader of the network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import torch

from engine.errors import LoadError

from . import llada, llada2, qwen
from .checkpoint import read_json
from .masked import MaskedModel

Loader: TypeAlias = Callable[[Path, torch.dtype, torch.device], MaskedModel]

LOADERS: dict[str, Loader] = {
    "LLaDAModelLM": llada.load,
    "LLaDA2MoeModelLM": llada2.load,
    "DreamModel": qwen.load_dream,
    "SDARForCausalLM": qwen.load_sdar,
    "Fast_dLLM_QwenForCausalLM": qwen.load_fast_dllm,
}
_ARCHITECTURES = {
    "llada": "LLaDAModelLM",
    "llada2_moe": "LLaDA2MoeModelLM",
    "Dream": "DreamModel",
    "sdar": "SDARForCausalLM",
    "Fast_dLLM_Qwen": "Fast_dLLM_QwenForCausalLM",
}
"""By model_type, for a config.json without architectures: networks of one type may differ, as Dream's block-causal sibling."""


def load_masked_model(
    folder: Path, dtype: torch.dtype = torch.bfloat16, device: torch.device | str = "cpu"
) -> MaskedModel:
    """The masked model of a checkpoint folder.

    Raises:
        LoadError: its architecture is not known here, or a file is missing, damaged or of another network.
    """
    config = read_json(folder / "config.json")
    stated = config.get("architectures") or [_ARCHITECTURES.get(str(config.get("model_type")))]
    if (loader := LOADERS.get(str(stated[0]))) is None:
        raise LoadError(
            f"{folder}/config.json names the architecture {stated[0] or config.get('model_type')!r};"
            f" known are {', '.join(sorted(LOADERS))}: use a checkpoint of one of them"
        )
    return loader(folder, dtype, torch.device(device))
