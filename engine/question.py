"""One function put to the shipped model: its listing, its tokens, its encoded prompt, and where the fault may lie."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from . import tokens
from .base import Passage
from .errors import ContextError, RequestError
from .listing import Listing, read_listing
from .models.embedded import EditNetwork
from .prefix import EncodedPrompt, PrefixCache
from .spans import Frame, Span, frame_of
from .tokens import CodeTokenizer, prompt_ids

_LEAST_WEIGHT = 0.02
_EVIDENCE = 1.0
"""Exponent of the passage's weights beside the model's own opinion."""


@dataclass(frozen=True, slots=True)
class Window:
    """The lines that fit the context: `kept[i]` is the listing index of line `i`, -1 for a gap."""

    lines: list[list[int]]
    kept: list[int]


@dataclass(frozen=True, slots=True)
class Question:
    """A passage, ready to be answered by any proposer."""

    passage: Passage
    listing: Listing
    window: Window
    prompt: list[int]
    starts: list[int]
    """Prompt position of every `<line>` token; the last one closes the prompt."""
    encoded: EncodedPrompt
    first_scores: Tensor
    """`(prompt,) float`: log-probability that the changed span begins at a token; -inf where none can."""

    def frame(self, span: Span) -> Frame | None:
        """The canvas of a span; None where it has none."""
        return frame_of(self.prompt, self.starts, span)


def ask(
    passage: Passage, network: EditNetwork, tokenizer: CodeTokenizer, prefixes: PrefixCache
) -> Question:
    """Read a passage and encode it.

    Raises:
        RequestError: the passage is not one function that parses.
        ContextError: not even the suspicious lines fit the context.
    """
    try:
        listing = read_listing(passage.lines)
    except (SyntaxError, ValueError) as error:
        raise RequestError(f"{passage.path}: the passage is not one function: {error}") from error
    weights = [max(passage.weights[i], _LEAST_WEIGHT) for i in listing.origin]
    window = _window(tokenizer.encode_lines(listing.lines), weights, network.config.max_prompt)
    ids, starts = prompt_ids(window.lines)
    encoded = prefixes.encode(ids)
    scores = network.first_scores(encoded.hidden).float().log_softmax(-1)
    evidence = _evidence(window, weights, starts)
    first_scores = (scores + _EVIDENCE * evidence).log_softmax(-1).detach()
    return Question(passage, listing, window, ids, starts, encoded, first_scores)


def _evidence(window: Window, weights: Sequence[float], starts: Sequence[int]) -> Tensor:
    """`(prompt,) float`: log weight of each token's line; -inf before the first line's text and in gaps.

    A `<line>` token stands between two lines, so it is as suspicious as the more suspicious of them.
    """
    own = [weights[i] if i >= 0 else 0.0 for i in window.kept]
    evidence = torch.full((starts[-1] + 1,), -torch.inf)
    for line, weight in enumerate(own):
        if weight:
            evidence[starts[line] + 1 : starts[line + 1]] = math.log(weight)
            after = own[line + 1] if line + 1 < len(own) else 0.0
            evidence[starts[line + 1]] = math.log(max(weight, after))
    return evidence


def _window(lines: list[list[int]], weights: Sequence[float], max_prompt: int) -> Window:
    if _length(lines) <= max_prompt:
        return Window(lines, list(range(len(lines))))
    center = max(range(1, len(lines)), key=lambda i: (weights[i], -i), default=0)
    first, last = center, center + 1
    while True:
        grown = [(max(1, first - 1), last), (first, min(len(lines), last + 1))]
        grown = grown if center - first <= last - 1 - center else grown[::-1]
        fitting = [
            g for g in grown if g != (first, last) and _length(_cut(lines, *g)) <= max_prompt
        ]
        if not fitting:
            break
        first, last = fitting[0]
    if _length(_cut(lines, first, last)) > max_prompt:
        raise ContextError(_length(lines), max_prompt, "the function")
    gap = [-1] if first > 1 else []
    return Window(_cut(lines, first, last), [0, *gap, *range(first, last)])


def _cut(lines: list[list[int]], first: int, last: int) -> list[list[int]]:
    return [lines[0], *([[tokens.GAP]] if first > 1 else []), *lines[first:last]]


def _length(lines: list[list[int]]) -> int:
    return sum(len(line) + 1 for line in lines) + 2
