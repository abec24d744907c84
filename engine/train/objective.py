"""The objective: which span of the prompt changes, and masked diffusion of the tokens that come in its place.

Every prompt carries two canvases, with the whole new span masked (what the first denoising step and scoring ask for), and
with a random share of it (LLaDA, arXiv 2502.09992, section 2), or, where it is shorter than two tokens, with a few of its
neighbours masked beside it. Some prompts have masked tokens of their own. Nothing that is masked in a prompt depends on
where the mistake is.
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
from engine.spans import Frame, Span, frame_of, line_places, span_of

from .examples import KINDS, Example

NUM_CANVASES = 2
_PROMPT_WEIGHT = 0.3
_SPAN_WEIGHT = 0.5
_PROMPT_MASKED = 0.12
_CLEAN = KINDS.index("clean")
_NOWHERE = Span(0, 0, 0)
"""The span of a function without a mistake: the place of `<bos>`."""


@dataclass(frozen=True, slots=True)
class SpanEdit:
    """One example as the network learns it; `frame` is None for a function without a mistake."""

    prompt: list[int]
    span: Span
    frame: Frame | None
    new: tuple[int, ...]

    @property
    def num_slots(self) -> int:
        """Canvas slots with the closing `<eos>`."""
        return 1 if self.frame is None else len(self.frame.canvas(self.new)) + 1


def as_span_edit(example: Example) -> SpanEdit | None:
    """The example as a span; None where the span is too long or touches a gap."""
    if example.kind == _CLEAN:
        return SpanEdit(example.prompt, _NOWHERE, None, ())
    starts = line_places(example.prompt)
    found = span_of(example.prompt, starts, example.start, example.canvas)
    if found is None:
        return None
    frame = frame_of(example.prompt, starts, found[0])
    return None if frame is None else SpanEdit(example.prompt, found[0], frame, found[1])


@dataclass(frozen=True, slots=True)
class Batch:
    """Tensors of one step. `rows` sequences of `prompt + 2 canvases` tokens."""

    ids: Tensor
    segments: Tensor
    positions: Tensor
    mask: Tensor
    """`(rows, 1, length, length) bfloat16`, added to attention scores."""
    target_places: Tensor
    """Flat places `(targets,) int64` of masked tokens."""
    target_ids: Tensor
    target_weights: Tensor
    prompt_lengths: Tensor
    """`(rows,) int64`."""
    spans: Tensor
    """`(rows, 3) int64`: first, last and length of the changed span; zeros for a clean function."""
    num_tokens: int


def make_batch(
    edits: Sequence[SpanEdit], prompt: int, canvas: int, rng: random.Random, prompt_noise: float
) -> Batch:
    """Collate edits whose prompts fit `prompt` tokens and whose canvases fit `canvas` slots."""
    length, rows = prompt + NUM_CANVASES * canvas, len(edits)
    ids = np.full((rows, length), tokens.PAD, np.int64)
    positions = np.zeros((rows, length), np.int64)
    positions[:, :prompt] = np.arange(prompt)
    targets = _Targets([], [], [])
    for row, edit in enumerate(edits):
        base = row * length
        noise = _PROMPT_MASKED if rng.random() < prompt_noise else 0.0
        ids[row, : len(edit.prompt)] = _masked_prompt(edit.prompt, base, noise, rng, targets)
        if edit.frame is None:
            continue
        full = edit.frame.canvas(edit.new)
        full += [tokens.EOS] * (canvas - len(full))
        first_place = edit.span.first - len(edit.frame.before)
        for slot, masked in enumerate(_masks(edit, rng)):
            offset = prompt + slot * canvas
            shown = list(full)
            for i in masked:
                targets.add(base + offset + i, full[i], 1.0)
                shown[i] = tokens.MASK
            ids[row, offset : offset + canvas] = shown
            positions[row, offset : offset + canvas] = first_place + np.arange(canvas)
    segments = np.zeros((rows, length), np.int64)
    segments[:, prompt:] = 1
    lengths = np.array([len(e.prompt) for e in edits])
    return Batch(
        torch.from_numpy(ids),
        torch.from_numpy(segments),
        torch.from_numpy(positions),
        _attention_mask(lengths, prompt, canvas),
        torch.tensor(targets.places, dtype=torch.int64),
        torch.tensor(targets.ids, dtype=torch.int64),
        torch.tensor(targets.weights, dtype=torch.float32),
        torch.from_numpy(lengths),
        torch.tensor([[e.span.first, e.span.last, e.span.length] for e in edits]),
        int(lengths.sum()) + rows * NUM_CANVASES * canvas,
    )


@dataclass(frozen=True, slots=True)
class Losses:
    """Scalars of one step; cross-entropies in nats."""

    total: Tensor
    text: float
    first: float
    last: float
    length: float
    first_accuracy: float
    token_accuracy: float


def losses_of(network: EditNetwork, hidden: Tensor, batch: Batch) -> Losses:
    """Losses from hidden states `(rows, length, width)`."""
    width = hidden.shape[-1]
    logits = network.text_logits(hidden.reshape(-1, width)[batch.target_places]).float()
    each = F.cross_entropy(logits, batch.target_ids, reduction="none")
    text = (each * batch.target_weights).sum() / batch.target_weights.sum().clamp(min=1e-6)
    prompt = hidden[:, : int(batch.prompt_lengths.max())]
    outside = torch.arange(prompt.shape[1]) >= batch.prompt_lengths[:, None]
    scores = network.first_scores(prompt).float().masked_fill(outside, -1e4)
    first = F.cross_entropy(scores, batch.spans[:, 0])
    rows = batch.spans[:, 0].nonzero().flatten()
    begin, end, length = batch.spans[rows].unbind(1)
    last = _mean_entropy(network.last_scores(prompt, rows, begin), end - begin)
    lengths = _mean_entropy(network.length_scores(prompt, rows, begin, end), length)
    on_canvas = batch.target_weights == 1.0
    return Losses(
        text + _SPAN_WEIGHT * (first + last + lengths),
        float(text.detach()),
        float(first.detach()),
        float(last.detach()),
        float(lengths.detach()),
        float((scores.argmax(-1) == batch.spans[:, 0])[rows].float().mean()),
        float((logits.argmax(-1) == batch.target_ids)[on_canvas].float().mean()),
    )


def _mean_entropy(scores: Tensor, targets: Tensor) -> Tensor:
    return F.cross_entropy(scores.float(), targets, reduction="sum") / max(1, len(targets))


@dataclass(frozen=True, slots=True)
class _Targets:
    places: list[int]
    ids: list[int]
    weights: list[float]

    def add(self, place: int, token: int, weight: float) -> None:
        self.places.append(place)
        self.ids.append(token)
        self.weights.append(weight)


def _masked_prompt(
    prompt: Sequence[int], base: int, noise: float, rng: random.Random, targets: _Targets
) -> list[int]:
    shown = list(prompt)
    for place, token in enumerate(prompt):
        if noise and token >= tokens.NUM_SPECIAL and rng.random() < noise:
            targets.add(base + place, token, _PROMPT_WEIGHT)
            shown[place] = tokens.MASK
    return shown


def _masks(edit: SpanEdit, rng: random.Random) -> list[list[int]]:
    """Canvas slots that are hidden, for either canvas."""
    assert edit.frame is not None
    first = len(edit.frame.before)
    span = list(range(first, first + len(edit.new)))
    if len(span) > 1:
        level = rng.random()
        some = [slot for slot in span if rng.random() < level]
        return [span, some or [rng.choice(span)]]
    last = len(edit.frame.canvas(edit.new))
    wide = range(max(1, first - rng.randrange(3)), min(last, first + len(span) + rng.randrange(3)))
    return [span, list(wide)]


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
