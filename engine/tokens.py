"""The shipped model's tokens: byte-level BPE over flush-left lines, and a handful of special tokens.

A prompt is `<bos>`, then for every line `<line>`, its indentation `<iK>` (K blanks) and its text, then one closing
`<line>` so that text can be inserted after the last line. A canvas is `<rK>` (how many lines are replaced, 0 for an
insertion), then the new lines with `<nl>` between them, then `<eos>` up to its end.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

MAX_INDENT = 40
MAX_REPLACED = 6
_SPECIAL = (
    "<pad>", "<mask>", "<eos>", "<bos>", "<line>", "<nl>", "<gap>", "<noop>",
    *(f"<r{k}>" for k in range(MAX_REPLACED + 1)),
    *(f"<i{k}>" for k in range(MAX_INDENT + 1)),
)  # fmt: skip
PAD, MASK, EOS, BOS, LINE, NEWLINE, GAP, NOOP = range(8)
REPLACED_0 = 8
INDENT_0 = REPLACED_0 + MAX_REPLACED + 1
NUM_SPECIAL = len(_SPECIAL)
_SPLIT = r" ?[A-Za-z_]+| ?[0-9]| ?[^\sA-Za-z_0-9]{1,3}|\s+"


@dataclass(frozen=True)
class CodeTokenizer:
    """Lines of code to token ids and back."""

    bpe: Tokenizer

    @classmethod
    def load(cls, path: Path) -> CodeTokenizer:
        """Read `tokenizer.json`."""
        return cls(Tokenizer.from_file(str(path)))

    @cached_property
    def size(self) -> int:
        """Number of token ids."""
        return int(self.bpe.get_vocab_size())

    def encode_lines(self, lines: Sequence[str]) -> list[list[int]]:
        """Each line as `[<iK>, text…]`."""
        encoded = self.bpe.encode_batch([line.strip() for line in lines], add_special_tokens=False)
        return [[_indent_id(line), *item.ids] for line, item in zip(lines, encoded, strict=True)]

    def encode_canvas(self, replaced: int, lines: Sequence[str]) -> list[int]:
        """`<rK>` and the new lines, without the closing `<eos>`."""
        ids = [REPLACED_0 + replaced]
        for index, line in enumerate(self.encode_lines(lines)):
            ids += ([NEWLINE] if index else []) + line
        return ids

    def decode_canvas(self, ids: Sequence[int]) -> tuple[int, list[str]] | None:
        """How many lines are replaced, and the new lines; None for a canvas that is not well formed."""
        body = list(ids[: ids.index(EOS)] if EOS in ids else ids)
        if not body or not REPLACED_0 <= body[0] <= REPLACED_0 + MAX_REPLACED:
            return None
        parts = _split(body[1:])
        lines = [self._decode_line(part) for part in parts]
        if any(line is None for line in lines):
            return None
        return body[0] - REPLACED_0, [line for line in lines if line is not None]

    def _decode_line(self, ids: list[int]) -> str | None:
        if not ids or not INDENT_0 <= ids[0] <= INDENT_0 + MAX_INDENT:
            return None
        if any(i < NUM_SPECIAL for i in ids[1:]):
            return None
        return " " * (ids[0] - INDENT_0) + self.bpe.decode(ids[1:])


def train_tokenizer(lines: Iterable[str], vocabulary: int = 6144) -> CodeTokenizer:
    """Byte-pair encoding over stripped lines; runs of letters, single digits and short punctuation never mix."""
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_SPLIT), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=list(_SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        min_frequency=3,
        show_progress=False,
    )
    bpe.train_from_iterator((line.strip() for line in lines), trainer)
    return CodeTokenizer(bpe)


def prompt_ids(lines: Sequence[Sequence[int]]) -> tuple[list[int], list[int]]:
    """Token ids of a prompt, and the positions of its `<line>` tokens (one more than there are lines)."""
    ids, starts = [BOS], []
    for line in lines:
        starts.append(len(ids))
        ids += [LINE, *line]
    starts.append(len(ids))
    return [*ids, LINE], starts


def _indent_id(line: str) -> int:
    return INDENT_0 + min(len(line) - len(line.lstrip(" ")), MAX_INDENT)


def _split(ids: Sequence[int]) -> list[list[int]]:
    if not ids:
        return []
    parts: list[list[int]] = [[]]
    for token in ids:
        if token == NEWLINE:
            parts.append([])
        else:
            parts[-1].append(token)
    return parts
