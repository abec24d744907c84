"""Tiny random checkpoints in the layouts that masked models are published in, and their forward pass, written plainly."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

TOKENS, WIDTH, HIDDEN, LAYERS, HEADS = 97, 32, 48, 3, 4
MASK, END = 90, 91
_QWEN = {
    "vocab_size": TOKENS,
    "hidden_size": WIDTH,
    "intermediate_size": HIDDEN,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": HEADS,
    "num_key_value_heads": 2,
    "max_position_embeddings": 2048,
    "rms_norm_eps": 1e-6,
    "rope_theta": 1000000.0,
    "rope_scaling": None,
    "tie_word_embeddings": False,
    "hidden_act": "silu",
    "use_sliding_window": False,
    "mask_token_id": MASK,
    "eos_token_id": END,
}
_LLADA = {
    "architectures": ["LLaDAModelLM"],
    "model_type": "llada",
    "embedding_size": TOKENS,
    "vocab_size": TOKENS,
    "d_model": WIDTH,
    "mlp_hidden_size": HIDDEN,
    "mlp_ratio": 4,
    "n_layers": LAYERS,
    "n_heads": HEADS,
    "n_kv_heads": HEADS,
    "max_sequence_length": 2048,
    "rms_norm_eps": 1e-5,
    "rope_theta": 500000.0,
    "rope_full_precision": True,
    "weight_tying": False,
    "activation_type": "silu",
    "block_type": "llama",
    "layer_norm_type": "rms",
    "include_bias": False,
    "mask_token_id": MASK,
    "eos_token_id": END,
}


@dataclass(frozen=True)
class Kind:
    """One published family."""

    config: Mapping[str, Any]
    is_shifted: bool
    block: int | None
    head: int = WIDTH // HEADS
    has_bias: bool = False
    has_norms: bool = False

    @property
    def is_llada(self) -> bool:
        return bool(self.config["model_type"] == "llada")

    @property
    def key_heads(self) -> int:
        return HEADS if self.is_llada else 2


KINDS = {
    "llada": Kind(_LLADA, is_shifted=False, block=None),
    "dream": Kind(
        {**_QWEN, "architectures": ["DreamModel"], "model_type": "Dream"},
        is_shifted=True,
        block=None,
        has_bias=True,
    ),
    "sdar": Kind(
        {**_QWEN, "architectures": ["SDARForCausalLM"], "model_type": "sdar", "head_dim": 12},
        is_shifted=False,
        block=4,
        head=12,
        has_norms=True,
    ),
    "fast_dllm": Kind(
        {
            **_QWEN,
            "architectures": ["Fast_dLLM_QwenForCausalLM"],
            "model_type": "Fast_dLLM_Qwen",
            "bd_size": 8,
        },
        is_shifted=True,
        block=8,
        has_bias=True,
    ),
}


def random_weights(kind: Kind, seed: int = 0) -> dict[str, Tensor]:
    """Tensors under the published names."""
    chance = torch.Generator().manual_seed(seed)
    shapes = {
        name.format(layer): shape
        for name, shape in _shapes(kind).items()
        for layer in range(LAYERS if "{}" in name else 1)
    }
    weights = {}
    for name, shape in shapes.items():
        scale = 0.3 if len(shape) == 1 else 2.0 * shape[-1] ** -0.5
        centre = 1.0 if len(shape) == 1 and "bias" not in name else 0.0
        weights[name] = centre + scale * torch.randn(shape, generator=chance)
    return weights


def write(
    folder: Path, kind: Kind, weights: Mapping[str, Tensor], num_shards: int = 1, **changed: Any
) -> Path:
    """A checkpoint folder, in one file or in shards; `changed` settings of config.json."""
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps({**kind.config, **changed}))
    if num_shards == 1:
        save_file(dict(weights), folder / "model.safetensors")
        return folder
    names = sorted(weights)
    index: dict[str, str] = {}
    for shard in range(num_shards):
        file = f"model-{shard + 1:05}-of-{num_shards:05}.safetensors"
        some = names[shard::num_shards]
        save_file({name: weights[name] for name in some}, folder / file)
        index |= dict.fromkeys(some, file)
    written = json.dumps({"metadata": {}, "weight_map": index})
    (folder / "model.safetensors.index.json").write_text(written)
    return folder


def plain_logits(kind: Kind, weights: Mapping[str, Tensor], ids: Sequence[int]) -> Tensor:
    """`(length, vocabulary)`: of each position its own token, one text at a time, in float64."""
    names, length = _names(kind), len(ids)
    heavy = {own: [weights[n].double() for n in _all(name)] for own, name in names.items()}
    blocks = torch.arange(length) // (kind.block or length or 1)
    seen = blocks[:, None] >= blocks
    x = heavy["embed"][0][list(ids)]
    for layer in range(LAYERS):
        part = {own: tensors[layer] for own, tensors in heavy.items() if len(tensors) == LAYERS}
        x = x + _attention(kind, part, _norm(kind, x, part["norm1"]), seen)
        y = _norm(kind, x, part["norm2"])
        gate = y @ part["gate"].T
        x = x + (gate * torch.sigmoid(gate) * (y @ part["up"].T)) @ part["down"].T
    logits = _norm(kind, x, heavy["last"][0]) @ heavy["head"][0].T
    return torch.cat([logits[:1], logits[:-1]]) if kind.is_shifted else logits


def _attention(kind: Kind, part: Mapping[str, Tensor], x: Tensor, seen: Tensor) -> Tensor:
    def split(name: str) -> Tensor:
        y = x @ part[name].T + (part[f"{name}_bias"] if kind.has_bias else 0.0)
        y = y.view(len(x), -1, kind.head)
        if kind.has_norms and name != "v":
            y = _norm(kind, y, part[f"{name}_norm"])
        return (y if name == "v" else _turned(kind, y)).transpose(0, 1)

    groups = HEADS // kind.key_heads
    keys, values = (split(name).repeat_interleave(groups, 0) for name in "kv")
    scores = split("q") @ keys.transpose(1, 2) / kind.head**0.5
    mixed = scores.masked_fill(~seen, -torch.inf).softmax(-1) @ values
    joined: Tensor = mixed.transpose(0, 1).reshape(len(x), -1) @ part["o"].T
    return joined


def _turned(kind: Kind, x: Tensor) -> Tensor:
    """Pairs `(i, i + half)` turned by position times theta to the power of -2i/head."""
    half = kind.head // 2
    speeds = kind.config["rope_theta"] ** (-torch.arange(half).double() / half)
    angles = torch.arange(len(x)).double()[:, None, None] * speeds
    one, two = x[..., :half], x[..., half:]
    return torch.cat(
        [one * angles.cos() - two * angles.sin(), two * angles.cos() + one * angles.sin()], -1
    )


def _norm(kind: Kind, x: Tensor, gain: Tensor) -> Tensor:
    size: Tensor = (x.square().mean(-1, keepdim=True) + kind.config["rms_norm_eps"]).sqrt()
    return x / size * gain


def _all(name: str) -> list[str]:
    return [name.format(layer) for layer in range(LAYERS if "{}" in name else 1)]


def _names(kind: Kind) -> dict[str, str]:
    """Published name of each part."""
    if kind.is_llada:
        inside = {
            "q": "q_proj", "k": "k_proj", "v": "v_proj", "o": "attn_out", "gate": "ff_proj",
            "up": "up_proj", "down": "ff_out", "norm1": "attn_norm", "norm2": "ff_norm",
        }  # fmt: skip
        outside = {"embed": "wte", "last": "ln_f", "head": "ff_out"}
        blocks = {own: f"model.transformer.blocks.{{}}.{n}.weight" for own, n in inside.items()}
        return blocks | {own: f"model.transformer.{n}.weight" for own, n in outside.items()}
    inside = {n: f"self_attn.{n}_proj.weight" for n in "qkvo"}
    inside |= {n: f"mlp.{n}_proj.weight" for n in ("gate", "up", "down")}
    inside |= {"norm1": "input_layernorm.weight", "norm2": "post_attention_layernorm.weight"}
    if kind.has_bias:
        inside |= {f"{n}_bias": f"self_attn.{n}_proj.bias" for n in "qkv"}
    if kind.has_norms:
        inside |= {f"{n}_norm": f"self_attn.{n}_norm.weight" for n in "qk"}
    outside = {"embed": "model.embed_tokens", "last": "model.norm", "head": "lm_head"}
    layers = {own: f"model.layers.{{}}.{name}" for own, name in inside.items()}
    return layers | {own: f"{name}.weight" for own, name in outside.items()}


def _shapes(kind: Kind) -> dict[str, tuple[int, ...]]:
    queries, keys = HEADS * kind.head, kind.key_heads * kind.head
    shapes: dict[str, tuple[int, ...]] = {
        "embed": (TOKENS, WIDTH), "head": (TOKENS, WIDTH), "last": (WIDTH,), "norm1": (WIDTH,),
        "norm2": (WIDTH,), "q": (queries, WIDTH), "k": (keys, WIDTH), "v": (keys, WIDTH),
        "o": (WIDTH, queries), "gate": (HIDDEN, WIDTH), "up": (HIDDEN, WIDTH),
        "down": (WIDTH, HIDDEN), "q_bias": (queries,), "k_bias": (keys,), "v_bias": (keys,),
        "q_norm": (kind.head,), "k_norm": (kind.head,),
    }  # fmt: skip
    return {name: shapes[own] for own, name in _names(kind).items()}
