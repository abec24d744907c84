"""The shipped network: a small masked-diffusion transformer whose prompt is blind to the canvas.

Prompt tokens attend to the prompt only, canvas tokens to the prompt and their own canvas. So the prompt's keys and values
are computed once and shared by every row, exactly. A canvas slot takes the rotary position of the token of the old line
that it stands over. Three heads over the prompt say which span of it changes: where it begins, how many tokens go, how
many come (Levenshtein transformer, arXiv 1905.11006). Pre-norm blocks with query/key norm (arXiv 2302.05442), SwiGLU
(arXiv 2002.05202), rotary positions (arXiv 2104.09864), tied embeddings.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.spans import MAX_SPAN

Prefix = list[tuple[Tensor, Tensor]]
"""Per layer: keys and values of the prompt, each `(1, heads, prompt, head width)`."""


@dataclass(frozen=True, slots=True)
class NetworkConfig:
    """Shape of the network."""

    vocabulary: int
    width: int = 256
    layers: int = 6
    heads: int = 4
    hidden: int = 704
    max_prompt: int = 512
    """Longest prompt in tokens that training saw."""
    max_canvas: int = 64

    def as_dict(self) -> dict[str, int]:
        """For the weights' metadata."""
        return asdict(self)


class Norm(nn.Module):
    """Root-mean-square norm with a gain."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        """`(…, width)` to the same shape."""
        return F.rms_norm(x, (x.shape[-1],), self.gain.to(x.dtype), 1e-6)


class Block(nn.Module):
    """Attention and feed-forward with residuals."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        width, self.heads = config.width, config.heads
        self.attention_norm, self.feed_norm = Norm(width), Norm(width)
        self.query_norm, self.key_norm = Norm(width // config.heads), Norm(width // config.heads)
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.gate_up = nn.Linear(width, 2 * config.hidden, bias=False)
        self.down = nn.Linear(config.hidden, width, bias=False)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.down.weight)

    def project(self, x: Tensor, rotation: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys, values of `(rows, length, width)`, each `(rows, heads, length, head width)`."""
        rows, length, width = x.shape
        qkv = self.qkv(self.attention_norm(x)).view(
            rows, length, 3, self.heads, width // self.heads
        )
        query, key, value = qkv.unbind(2)
        query, key = (
            _rotate(self.query_norm(query), rotation),
            _rotate(self.key_norm(key), rotation),
        )
        return query.transpose(1, 2), key.transpose(1, 2), value.transpose(1, 2)

    def finish(self, x: Tensor, attended: Tensor) -> Tensor:
        """Add attention `(rows, heads, length, head width)` and the feed-forward to `x`."""
        x = x + self.out(attended.transpose(1, 2).reshape(x.shape))
        gate, up = self.gate_up(self.feed_norm(x)).chunk(2, -1)
        fed: Tensor = self.down(F.silu(gate) * up)
        return x + fed

    def forward(self, x: Tensor, rotation: tuple[Tensor, Tensor], mask: Tensor) -> Tensor:
        """One layer over a whole training sequence; `mask` is added to the scores.

        Written out, because compiled for a CPU it takes three quarters of the time of the fused call.
        """
        query, key, value = self.project(x, rotation)
        scores = query * query.shape[-1] ** -0.5 @ key.transpose(-1, -2) + mask
        return self.finish(x, scores.float().softmax(-1).to(value.dtype) @ value)


class EditNetwork(nn.Module):
    """Token ids to hidden states; heads for text and for the span that changes."""

    inverse_frequency: Tensor

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(config.vocabulary, config.width)
        self.segment = nn.Embedding(2, config.width)
        nn.init.normal_(self.embedding.weight, std=0.02)
        nn.init.normal_(self.segment.weight, std=0.02)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.norm = Norm(config.width)
        self.text_bias = nn.Parameter(torch.zeros(config.vocabulary))
        self.first_hidden = nn.Linear(config.width, config.width)
        self.first_score = nn.Linear(config.width, 1)
        self.last_query = nn.Linear(config.width, config.width)
        self.last_key = nn.Linear(config.width, config.width)
        self.last_distance = nn.Linear(config.width, MAX_SPAN + 1)
        self.length_hidden = nn.Linear(2 * config.width, config.width)
        self.length_distance = nn.Embedding(MAX_SPAN + 1, config.width)
        self.length_score = nn.Linear(config.width, MAX_SPAN + 1)
        self.register_buffer("inverse_frequency", self.frequencies(), persistent=False)

    def frequencies(self) -> Tensor:
        """Rotary frequencies `(head width / 2,) float32`: computed, never stored with the weights."""
        width = self.config.width // self.config.heads
        return 10_000 ** (-torch.arange(0, width, 2).float() / width)

    def forward(self, ids: Tensor, segments: Tensor, positions: Tensor, mask: Tensor) -> Tensor:
        """Hidden states `(rows, length, width)` of whole training sequences.

        Args:
            ids, segments, positions: `(rows, length) int64`; segment 1 marks canvases.
            mask: `(rows, 1, length, length)`, added to attention scores.
        """
        x, rotation = self.embed(ids, segments), self.rotation(positions)
        for block in self.blocks:
            x = block(x, rotation, mask)
        return self.norm(x)  # type: ignore[no-any-return]

    def encode_prompt(self, ids: Tensor) -> tuple[Tensor, Prefix]:
        """Hidden states `(prompt, width)` and the shared prefix of one prompt `(prompt,) int64`."""
        positions = torch.arange(len(ids), device=ids.device)[None]
        x = self.embed(ids[None], torch.zeros_like(ids)[None])
        rotation, prefix = self.rotation(positions), []
        for block in self.blocks:
            assert isinstance(block, Block)
            query, key, value = block.project(x, rotation)
            prefix.append((key, value))
            x = block.finish(x, F.scaled_dot_product_attention(query, key, value))
        return self.norm(x)[0], prefix

    def encode_canvas(self, ids: Tensor, positions: Tensor, prefix: Prefix) -> Tensor:
        """Hidden states `(rows, canvas, width)` of canvases over one shared prompt.

        Args:
            ids, positions: `(rows, canvas) int64`.
            prefix: from `encode_prompt`; never copied per row.
        """
        x, rotation = self.embed(ids, torch.ones_like(ids)), self.rotation(positions)
        for block, (prompt_key, prompt_value) in zip(self.blocks, prefix, strict=True):
            assert isinstance(block, Block)
            query, key, value = block.project(x, rotation)
            attended = _attend_shared(query, key, value, prompt_key[0], prompt_value[0])
            x = block.finish(x, attended)
        return self.norm(x)  # type: ignore[no-any-return]

    def text_logits(self, hidden: Tensor) -> Tensor:
        """`(…, width)` to `(…, vocabulary)`."""
        return F.linear(hidden, self.embedding.weight, self.text_bias)

    def first_scores(self, hidden: Tensor) -> Tensor:
        """`(…, width)` of prompt tokens to `(…,)`: how likely the changed span begins there."""
        return self.first_score(F.gelu(self.first_hidden(hidden))).squeeze(-1)  # type: ignore[no-any-return]

    def last_scores(self, hidden: Tensor, rows: Tensor, first: Tensor) -> Tensor:
        """How many old tokens the span takes, `(spans, MAX_SPAN + 1)`; -inf beyond the prompt.

        Args:
            hidden: `(rows, prompt, width)`.
            rows, first: `(spans,) int64`, row and first token of each span.
        """
        near = first[:, None] + torch.arange(MAX_SPAN, device=first.device)
        inside = near < hidden.shape[1]
        start = hidden[rows, first]
        keys = self.last_key(hidden[rows[:, None], near.clamp(max=hidden.shape[1] - 1)])
        by_content = (keys @ self.last_query(start)[..., None]).squeeze(-1) * keys.shape[-1] ** -0.5
        none = by_content.new_zeros(len(first), 1)
        scores: Tensor = torch.cat([none, by_content], 1) + self.last_distance(start)
        allowed = torch.cat([torch.ones_like(inside[:, :1]), inside], 1)
        return scores.masked_fill(~allowed, -torch.inf)

    def length_scores(self, hidden: Tensor, rows: Tensor, first: Tensor, last: Tensor) -> Tensor:
        """How many new tokens come, `(spans, MAX_SPAN + 1)`; arguments as in `last_scores`."""
        ends = torch.cat([hidden[rows, first], hidden[rows, last]], -1)
        known = self.length_hidden(ends) + self.length_distance(last - first)
        return self.length_score(F.gelu(known))  # type: ignore[no-any-return]

    def embed(self, ids: Tensor, segments: Tensor) -> Tensor:
        """Normed embeddings of tokens and segments."""
        return F.rms_norm(self.embedding(ids) + self.segment(segments), (self.config.width,))

    def rotation(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        """Cosine and sine `(rows, length, 1, head width / 2)` of rotary positions."""
        angles = positions.float()[..., None, None] * self.inverse_frequency
        return angles.cos(), angles.sin()


def _attend_shared(
    query: Tensor, key: Tensor, value: Tensor, prompt_key: Tensor, prompt_value: Tensor
) -> Tensor:
    """Attention to one shared prompt and to the own canvas, `(rows, heads, canvas, head width)`.

    All rows read the prompt in one matrix product; a copy of its keys per row would cost more than the product.
    """
    rows, heads, canvas, width = query.shape
    query = query * width**-0.5
    flat = query.transpose(0, 1).reshape(heads, rows * canvas, width)
    to_prompt = flat @ prompt_key.transpose(-1, -2)
    to_canvas = (
        (query @ key.transpose(-1, -2)).transpose(0, 1).reshape(heads, rows * canvas, canvas)
    )
    weights = torch.cat([to_prompt, to_canvas], -1).float().softmax(-1).to(value.dtype)
    from_prompt = weights[..., :-canvas] @ prompt_value
    own = weights[..., -canvas:].view(heads, rows, canvas, canvas).transpose(0, 1) @ value
    return from_prompt.view(heads, rows, canvas, width).transpose(0, 1) + own


def _rotate(x: Tensor, rotation: tuple[Tensor, Tensor]) -> Tensor:
    first, second = x.chunk(2, -1)
    cosine, sine = rotation[0].to(x.dtype), rotation[1].to(x.dtype)
    return torch.cat([first * cosine - second * sine, second * cosine + first * sine], -1)
