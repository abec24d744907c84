"""Tiny random DiffusionGemma models."""

from __future__ import annotations

from typing import Any

import torch


def tiny_gemma(canvas: int = 12, window: int = 16, seed: int = 0, **text: Any) -> Any:
    """A model of the real architecture, with two sliding layers and a full one."""
    from transformers import DiffusionGemmaConfig, DiffusionGemmaForBlockDiffusion
    from transformers.models.diffusion_gemma.configuration_diffusion_gemma import (
        DiffusionGemmaTextConfig,
    )

    settings = {
        "vocab_size": 512,
        "hidden_size": 64,
        "intermediate_size": 96,
        "num_hidden_layers": 6,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 16,
        "global_head_dim": 32,
        "num_global_key_value_heads": 1,
        "sliding_window": window,
        "num_experts": 8,
        "top_k_experts": 2,
        "moe_intermediate_size": 32,
        **text,
    }
    vision = {
        "model_type": "gemma4_vision",
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "head_dim": 16,
    }
    config = DiffusionGemmaConfig(
        text_config=DiffusionGemmaTextConfig(**settings),
        vision_config=vision,
        canvas_length=canvas,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model: Any = DiffusionGemmaForBlockDiffusion(config)
    return model.eval()
