"""Training with checkpoints and resume: Muon for matrices, AdamW for the rest, a schedule over wall time."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from engine.errors import TrainingError
from engine.loading import native_dtype
from engine.models.embedded import EditNetwork, NetworkConfig

from .examples import load_shard
from .muon import Muon
from .objective import NUM_CANVASES, Batch, SpanEdit, as_span_edit, losses_of, make_batch

_SHAPES = (
    (64, 24),
    (96, 24),
    (128, 24),
    (176, 24),
    (256, 24),
    (384, 24),
    (512, 24),
    (128, 56),
    (256, 56),
    (512, 56),
)
"""Prompt and canvas lengths of a batch; each is compiled once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """What one training run does."""

    shards: Path
    out: Path
    minutes: float
    tokens_per_step: int = 6144
    learning_rate: float = 1.5e-3
    decay_share: float = 0.5
    """Share of the time, at the end, over which the learning rate falls to zero."""
    warm_up_steps: int = 60
    prompt_noise: float = 0.6
    """Share of prompts with masked tokens at the start; falls to zero at 60 % of the time."""
    release_share: float = 0.17
    """Real edits (`releases.npz`) that join each shard, as a share of its examples."""
    seed: int = 0
    compile: bool = True


def train(config: TrainConfig, network: EditNetwork) -> None:
    """Train until `minutes` have been spent, over all resumed runs together.

    Raises:
        TrainingError: there are no shards, or the checkpoint is of another network.
    """
    config.out.mkdir(parents=True, exist_ok=True)
    optimizers = _optimizers(network, config.learning_rate)
    state = _resume(config.out / "checkpoint.pt", network, optimizers)
    if config.compile:
        torch._dynamo.config.recompile_limit = 4 * len(_SHAPES)
        for block in network.blocks:
            block.compile(dynamic=False)
    rng = random.Random(config.seed + state["step"])
    started, before, averages = time.monotonic(), state["seconds"], state["averages"]
    for batch in _batches(config, rng, state):
        state["seconds"] = before + time.monotonic() - started
        progress = state["seconds"] / 60 / config.minutes
        if progress >= 1:
            break
        _set_rate(optimizers, config, state["step"], progress)
        _step(network, optimizers, batch, averages)
        state["step"] += 1
        state["tokens"] += batch.num_tokens
        if state["step"] % 20 == 0:
            _report(config, state, progress)
        if state["step"] % 100 == 0:
            _save(config.out / "checkpoint.pt", network, optimizers, state)
    _save(config.out / "checkpoint.pt", network, optimizers, state)


def _step(
    network: EditNetwork,
    optimizers: list[torch.optim.Optimizer],
    batch: Batch,
    averages: dict[str, float],
) -> None:
    with torch.autocast("cpu", torch.bfloat16, enabled=native_dtype() is torch.bfloat16):
        hidden = network(batch.ids, batch.segments, batch.positions, batch.mask)
        losses = losses_of(network, hidden, batch)
    losses.total.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(network.parameters(), 1.0)
    for optimizer in optimizers:
        optimizer.step()
        optimizer.zero_grad()
    for name in ("text", "first", "last", "length", "first_accuracy", "token_accuracy"):
        value = getattr(losses, name)
        averages[name] = 0.97 * averages.get(name, value) + 0.03 * value


def _batches(config: TrainConfig, rng: random.Random, state: dict[str, Any]) -> Iterator[Batch]:
    pools: dict[tuple[int, int], list[SpanEdit]] = {shape: [] for shape in _SHAPES}
    real = config.shards / "releases.npz"
    releases = load_shard(real) if real.exists() else []
    while True:
        paths = sorted(config.shards.glob("shard-*.npz"))
        if not paths:
            raise TrainingError(
                f"no shards in {config.shards}: run `python -m engine.train examples` first"
            )
        unseen = [p for p in paths if p.name not in state["shards"]] or paths
        if unseen is paths:
            state["shards"].clear()
        path = rng.choice(unseen)
        state["shards"].add(path.name)
        examples = load_shard(path)
        examples += rng.sample(
            releases, min(len(releases), int(config.release_share * len(examples)))
        )
        rng.shuffle(examples)
        for edit in filter(None, map(as_span_edit, examples)):
            shape = _shape_of(edit)
            if shape is None:
                continue
            pools[shape].append(edit)
            rows = max(1, config.tokens_per_step // (shape[0] + NUM_CANVASES * shape[1]))
            if len(pools[shape]) == rows:
                noise = max(0.0, 1 - state["seconds"] / 60 / config.minutes / 0.6)
                yield make_batch(pools[shape], *shape, rng, config.prompt_noise * noise)
                pools[shape].clear()


def _shape_of(edit: SpanEdit) -> tuple[int, int] | None:
    """The smallest shape of the narrower canvas that fits, else of the wider one."""
    fitting = [s for s in _SHAPES if edit.num_slots <= s[1] and len(edit.prompt) <= s[0]]
    return min(fitting, key=lambda s: (s[1], s[0]), default=None)


def _optimizers(network: EditNetwork, rate: float) -> list[torch.optim.Optimizer]:
    matrices = [p for p in network.blocks.parameters() if p.ndim == 2]
    ids = {id(p) for p in matrices}
    rest = [p for p in network.parameters() if id(p) not in ids]
    return [
        Muon(matrices, rate),
        torch.optim.AdamW(rest, lr=rate, betas=(0.9, 0.98), weight_decay=0.0),
    ]


def _set_rate(
    optimizers: list[torch.optim.Optimizer], config: TrainConfig, step: int, progress: float
) -> None:
    warm = min(1.0, (step + 1) / config.warm_up_steps)
    rate = config.learning_rate * warm * min(1.0, (1 - progress) / config.decay_share)
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = rate


def _resume(
    path: Path, network: EditNetwork, optimizers: list[torch.optim.Optimizer]
) -> dict[str, Any]:
    if not path.exists():
        return {"step": 0, "tokens": 0, "seconds": 0.0, "averages": {}, "shards": set()}
    saved = torch.load(path, weights_only=False)
    if saved["config"] != network.config.as_dict():
        raise TrainingError(
            f"{path} holds a network of shape {saved['config']}, wanted {network.config.as_dict()}"
        )
    network.load_state_dict(saved["network"])
    for optimizer, state in zip(optimizers, saved["optimizers"], strict=True):
        optimizer.load_state_dict(state)
    return dict(saved["state"])


def _save(
    path: Path, network: EditNetwork, optimizers: list[torch.optim.Optimizer], state: dict[str, Any]
) -> None:
    content = {
        "config": network.config.as_dict(),
        "network": network.state_dict(),
        "optimizers": [optimizer.state_dict() for optimizer in optimizers],
        "state": state,
    }
    torch.save(content, path.with_suffix(".new"))
    path.with_suffix(".new").replace(path)


def load_network(path: Path) -> EditNetwork:
    """The network of a checkpoint, ready to sample.

    Raises:
        TrainingError: there is no checkpoint at `path`.
    """
    if not path.exists():
        raise TrainingError(f"no checkpoint at {path}")
    saved = torch.load(path, weights_only=False)
    network = EditNetwork(NetworkConfig(**saved["config"]))
    network.load_state_dict(saved["network"])
    return network.eval()


def _report(config: TrainConfig, state: dict[str, Any], progress: float) -> None:
    row = {name: round(value, 3) for name, value in state["averages"].items()}
    row |= {
        "step": state["step"],
        "share": round(progress, 3),
        "tokens": state["tokens"],
        "tokens_per_second": round(state["tokens"] / state["seconds"]),
    }
    with (config.out / "log.jsonl").open("a") as file:
        file.write(json.dumps(row) + "\n")
