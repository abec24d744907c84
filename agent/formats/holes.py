"""What a diffusion model leaves where it did not finish: mask and special tokens in its text.

They are never repaired: a text that holds one is refused with the span of characters, so that the
engine can denoise exactly that span again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# `x[MASK]` is an index and stays; `[MASK]` that follows no expression is a token.
_HOLE = re.compile(
    r"<\|?(?:mask|mdm_mask|mask_token|pad|eos|bos|unk|unused[0-9]+)\|?>"
    r"|<\|(?:endoftext|im_start|im_end|eot_id|end_of_text|begin_of_text|role_end|startoftext)\|>"
    r"|(?<![\w\)\]])\[MASK\]",
    re.IGNORECASE,
)


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
    found = _HOLE.search(text, start, len(text) if end is None else end)
    return Hole(found[0], found.start(), found.end()) if found else None
