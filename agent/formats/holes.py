"""What a diffusion model leaves where it did not finish: mask and special tokens in its text.

They are never repaired: a text that holds one is refused with the span of characters, so that the
engine can denoise exactly that span again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_ANGLED = re.compile(
    r"<\|?(?:mask|mdm_mask|mask_token|pad|eos|bos|unk|unused[0-9]+)\|?>"
    r"|<\|(?:endoftext|im_start|im_end|eot_id|end_of_text|begin_of_text|role_end|startoftext)\|>",
    re.IGNORECASE,
)
# `x[MASK]` is an index and stays; `[MASK]` that follows no expression is a token.
_SQUARE = re.compile(r"(?<![\w\)\]])\[(?:MASK|mask)\]")


@dataclass(frozen=True, slots=True)
class Hole:
    """A leftover token and its span of characters in the text, end excluded."""

    token: str
    start: int
    end: int

    def __str__(self) -> str:
        return f"leftover token {self.token!r} at characters {self.start}..{self.end}"


def find_hole(text: str, start: int = 0, end: int | None = None) -> Hole | None:
    """The first leftover token between `start` and `end`."""
    stop = len(text) if end is None else end
    # Plain searches first make the usual case, a text without any, ten times faster.
    found = [
        match
        for marks, pattern in ((("<",), _ANGLED), (("MASK]", "mask]"), _SQUARE))
        if any(text.find(mark, start, stop) >= 0 for mark in marks)
        and (match := pattern.search(text, start, stop))
    ]
    first = min(found, key=lambda match: match.start(), default=None)
    return Hole(first[0], first.start(), first.end()) if first else None
