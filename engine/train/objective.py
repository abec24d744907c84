"""The objective: masked diffusion on canvases, a pointer to the line at fault, masked language modelling on the prompt.

Every prompt carries three canvases: the fix under absorbing noise of a random level (LLaDA, arXiv 2502.09992, section 2),
the fix with only the changed span masked (what infilling and scoring ask for), and a line that is not at fault, whose
answer is `<noop>` or its own text. Nothing that is masked depends on where the mistake is, except inside canvases.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from engine import tokens
from engine.models.embedded import EditNetwork
from engine.regions import changed_span

from .examples import KINDS, Example

NUM_CANVASES = 3
_TAIL_WEIGHT = 0.1
_PROMPT_WEIGHT = 0.3
_POINTER_WEIGHT = 0.5
_PROMPT_MASKED = 0.12
_CLEAN = KINDS.index("clean")


@dataclass(frozen=True, slots=True)
class Batch:
    """Tensors of one step. `rows` sequences of `prompt + 3 canvases` tokens."""

    ids: Tensor
    segments: Tensor
    positions: Tensor
    mask: Tensor
    """`(rows, 1, length, length) bfloat16`, added to attention scores."""
    target_places: Tensor
    """Flat places `(targets,) int64` of masked tokens."""
    target_ids: Tensor
    target_weights: Tensor
    line_places: Tensor
    """`(rows, lines) int64` positions of `<line>` tokens, padded with 0."""
    line_mask: Tensor
    fault: Tensor
    """`(rows,) int64` index of the line where the fix starts; -100 for a clean function."""
    num_tokens: int


def make_batch(
    examples: Sequence[Example], prompt: int, canvas: int, rng: random.Random, prompt_noise: float
) -> Batch:
    """Collate examples whose prompts fit `prompt` tokens and whose fixes fit `canvas` slots."""
    length, rows = prompt + NUM_CANVASES * canvas, len(examples)
    ids = np.full((rows, length), tokens.PAD, np.int64)
    positions = np.zeros((rows, length), np.int64)
    positions[:, :prompt] = np.arange(prompt)
    places: list[int] = []
    answers: list[int] = []
    weights: list[float] = []
    starts_of = [[i for i, t in enumerate(e.prompt) if t == tokens.LINE] for e in examples]
    most = max(map(len, starts_of))
    line_places, line_mask = np.zeros((rows, most), np.int64), np.zeros((rows, most), bool)
    for row, (example, starts) in enumerate(zip(examples, starts_of, strict=True)):
        base = row * length
        text = list(example.prompt)
        if rng.random() < prompt_noise:
            for i, token in enumerate(text):
                if token >= tokens.NUM_SPECIAL and rng.random() < _PROMPT_MASKED:
                    places.append(base + i)
                    answers.append(token)
                    weights.append(_PROMPT_WEIGHT)
                    text[i] = tokens.MASK
        ids[row, : len(text)] = text
        line_places[row, : len(starts)], line_mask[row, : len(starts)] = starts, True
        for slot, (line, target, masked) in enumerate(_canvases(example, starts, canvas, rng)):
            offset = prompt + slot * canvas
            full = target + [tokens.EOS] * (canvas - len(target))
            ids[row, offset : offset + canvas] = [
                tokens.MASK if hidden else token for token, hidden in zip(full, masked, strict=True)
            ]
            positions[row, offset : offset + canvas] = starts[line] + np.arange(canvas)
            for i, hidden in enumerate(masked):
                if hidden:
                    places.append(base + offset + i)
                    answers.append(full[i])
                    weights.append(1.0 if i <= len(target) else _TAIL_WEIGHT)
    segments = np.zeros((rows, length), np.int64)
    segments[:, prompt:] = 1
    lengths = np.array([len(e.prompt) for e in examples])
    fault = np.array([-100 if e.kind == _CLEAN else e.start for e in examples])
    return Batch(
        torch.from_numpy(ids),
        torch.from_numpy(segments),
        torch.from_numpy(positions),
        _attention_mask(lengths, prompt, canvas),
        torch.tensor(places),
        torch.tensor(answers),
        torch.tensor(weights),
        torch.from_numpy(line_places),
        torch.from_numpy(line_mask),
        torch.from_numpy(fault),
        int(lengths.sum()) + rows * NUM_CANVASES * canvas,
    )


@dataclass(frozen=True, slots=True)
class Losses:
    """Scalars of one step."""

    total: Tensor
    text: float
    pointer: float
    pointer_accuracy: float
    token_accuracy: float


def losses_of(network: EditNetwork, hidden: Tensor, batch: Batch) -> Losses:
    """Losses from hidden states `(rows, length, width)`."""
    width = hidden.shape[-1]
    logits = network.text_logits(hidden.reshape(-1, width)[batch.target_places]).float()
    each = F.cross_entropy(logits, batch.target_ids, reduction="none")
    text = (each * batch.target_weights).sum() / batch.target_weights.sum()
    at_lines = hidden.gather(1, batch.line_places[..., None].expand(-1, -1, width))
    scores = network.line_scores(at_lines).float().masked_fill(~batch.line_mask, -1e4)
    pointer = F.cross_entropy(scores, batch.fault)
    counted, on_canvas = batch.fault >= 0, batch.target_weights == 1.0
    right_line = (scores.argmax(-1) == batch.fault)[counted].float().mean()
    right_token = (logits.argmax(-1) == batch.target_ids)[on_canvas].float().mean()
    return Losses(
        text + _POINTER_WEIGHT * pointer,
        float(text.detach()),
        float(pointer.detach()),
        float(right_line),
        float(right_token),
    )


def _canvases(
    example: Example, starts: list[int], canvas: int, rng: random.Random
) -> list[tuple[int, list[int], list[bool]]]:
    level = 1.0 if rng.random() < 0.25 else rng.random()
    length = min(len(example.canvas) + 1, canvas)
    noisy = [rng.random() < level for _ in range(canvas)]
    noisy[rng.randrange(length)] = True
    spanned = _span_mask(example, starts, canvas, rng)
    return [
        (example.start, example.canvas, noisy),
        (example.start, example.canvas, spanned),
        _other_line(example, starts, canvas, rng),
    ]


def _span_mask(example: Example, starts: list[int], canvas: int, rng: random.Random) -> list[bool]:
    """Hide the tokens that differ from the old line, now and then one or two more at the sides."""
    new = example.canvas
    old = _line_tokens(example.prompt, starts, example.start)
    if new[0] == tokens.REPLACED_0 + 1 and old:
        first, last = changed_span(old, new[1:])
        first, last = first + 1, last + 1
    else:
        first = rng.randrange(1, len(new)) if len(new) > 1 else 0
        last = min(len(new), first + rng.choice((1, 1, 2, 3, 4)))
    if rng.random() < 0.4:
        first = max(0, first - rng.choice((1, 2)))
    if rng.random() < 0.4:
        last = min(len(new), last + rng.choice((1, 2)))
    masked = [first <= i < max(last, first + 1) for i in range(canvas)]
    return masked if any(masked) else [i == 0 for i in range(canvas)]


def _other_line(
    example: Example, starts: list[int], canvas: int, rng: random.Random
) -> tuple[int, list[int], list[bool]]:
    num_lines = len(starts) - 1
    others = [i for i in range(num_lines) if i != example.start] or [0]
    line = rng.choice(others)
    old = _line_tokens(example.prompt, starts, line)
    if rng.random() < 0.4 or len(old) + 2 > canvas or tokens.GAP in old:
        return line, [tokens.NOOP], [i == 0 or rng.random() < 0.2 for i in range(canvas)]
    first = rng.randrange(len(old)) + 1
    last = first + rng.choice((1, 1, 1, 2, 2, 3, 4))
    target = [tokens.REPLACED_0 + 1, *old]
    return line, target, [first <= i < min(last, len(target)) for i in range(canvas)]


def _line_tokens(prompt: Sequence[int], starts: list[int], line: int) -> list[int]:
    if line + 1 >= len(starts):
        return []
    return list(prompt[starts[line] + 1 : starts[line + 1]])


def _attention_mask(
    lengths: np.ndarray[tuple[int], np.dtype[np.int64]], prompt: int, canvas: int
) -> Tensor:
    """Prompt sees prompt; a canvas sees the prompt and itself."""
    length = prompt + NUM_CANVASES * canvas
    place = torch.arange(length)
    group = torch.where(place < prompt, -1, (place - prompt) // canvas)
    in_prompt = (place < prompt) & (place[None] < torch.from_numpy(lengths)[:, None])
    same = (group[:, None] == group[None]) & (group[None] >= 0)
    allowed = in_prompt[:, None, :] | same[None]
    return torch.zeros(allowed.shape, dtype=torch.bfloat16).masked_fill_(~allowed, -30_000.0)[
        :, None
    ]
