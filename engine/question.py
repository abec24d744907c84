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
from .tokens import CodeTokenizer, prompt_ids

_LEAST_WEIGHT = 0.02
_EVIDENCE = 1.0
"""Exponent of the passage's weights beside the model's own pointer."""


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
    starts: list[int]
    """Prompt position of every `<line>` token; the last one closes the prompt."""
    encoded: EncodedPrompt
    line_scores: Tensor
    """`(lines + 1,) float`: log-probability that the fix starts at a line of the window."""

    def old_tokens(self, line: int, count: int = 1) -> list[int]:
        """Tokens of `count` lines of the window from `line` on, with line breaks between them."""
        joined: list[int] = []
        for offset, ids in enumerate(self.window.lines[line : line + count]):
            joined += ([tokens.NEWLINE] if offset else []) + ids
        return joined

    def most_suspicious(self, count: int) -> list[int]:
        """Lines of the window, the likeliest first; gaps and the closing line left out."""
        order = self.line_scores.argsort(descending=True).tolist()
        return [i for i in order if i < len(self.window.kept) and self.window.kept[i] >= 0][:count]


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
    scores = network.line_scores(encoded.hidden[starts]).float().log_softmax(-1)
    evidence = torch.tensor(_evidence(window, weights))
    return Question(
        passage,
        listing,
        window,
        starts,
        encoded,
        (scores + _EVIDENCE * evidence).log_softmax(-1).detach(),
    )


def _evidence(window: Window, weights: Sequence[float]) -> list[float]:
    """Log weight per line; a place before a line is as suspicious as its suspicious neighbour."""
    own = [weights[i] if i >= 0 else _LEAST_WEIGHT for i in window.kept]
    near = [max(w, 0.5 * own[i - 1]) if i else w for i, w in enumerate(own)]
    return [math.log(w) for w in [*near, 0.5 * own[-1]]]


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
