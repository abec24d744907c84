"""The prompt encoded once, shared by all rows and by later requests for the same prompt."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .models.embedded import EditNetwork, Prefix


@dataclass(frozen=True, slots=True)
class EncodedPrompt:
    """One prompt as the canvases see it."""

    hidden: Tensor
    """`(prompt, width)`."""
    prefix: Prefix

    @property
    def num_bytes(self) -> int:
        """Memory of keys, values and hidden states."""
        tensors = [self.hidden, *(t for pair in self.prefix for t in pair)]
        return sum(t.numel() * t.element_size() for t in tensors)


class PrefixCache:
    """Encoded prompts by token ids, bounded by bytes, least recently used first out."""

    def __init__(self, network: EditNetwork, max_bytes: int = 256 << 20) -> None:
        self._network = network
        self._max_bytes = max_bytes
        self._encoded: OrderedDict[tuple[int, ...], EncodedPrompt] = OrderedDict()

    @torch.no_grad()
    def encode(self, ids: Sequence[int]) -> EncodedPrompt:
        """The encoded prompt, from memory where it is known."""
        key = tuple(ids)
        if key in self._encoded:
            self._encoded.move_to_end(key)
            return self._encoded[key]
        encoded = EncodedPrompt(*self._network.encode_prompt(torch.tensor(ids)))
        self._encoded[key] = encoded
        while len(self._encoded) > 1 and self._num_bytes() > self._max_bytes:
            self._encoded.popitem(last=False)
        return encoded

    def _num_bytes(self) -> int:
        return sum(encoded.num_bytes for encoded in self._encoded.values())
