"""Tokens with a meaning of their own: the mask, and the ends of a text and of a turn, from the checkpoint's own files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from engine.errors import LoadError

from .checkpoint import Checkpoint, read_json

_MASKS = ("<|mdm_mask|>", "<|mask|>", "<|MASK|>", "|<MASK>|", "[MASK]")
_TURN_ENDS = ("<|im_end|>", "<|eot_id|>", "<|role_end|>")


@dataclass(frozen=True, slots=True)
class SpecialIds:
    """Ids of a model's special tokens."""

    mask: int
    ends: tuple[int, ...]
    """The end of a text first, then that of a turn."""


def read_special_ids(checkpoint: Checkpoint) -> SpecialIds:
    """From config.json and generation_config.json where they say it, else from the tokenizer's files.

    Raises:
        LoadError: no file names a mask token, or none an end.
    """
    spellings = dict(_spellings(checkpoint))
    mask = checkpoint.config.get("mask_token_id")
    if mask is None:
        mask = _first(spellings, (_named_mask(checkpoint), *_MASKS))
    ends = [*_stated_ends(checkpoint), *(spellings[s] for s in _TURN_ENDS if s in spellings)]
    if mask is None:
        raise _unsaid(checkpoint, "the mask", "mask_token_id")
    if not ends:
        raise _unsaid(checkpoint, "the end of a text", "eos_token_id")
    return SpecialIds(int(mask), tuple(dict.fromkeys(ends)))


def _stated_ends(checkpoint: Checkpoint) -> Iterator[int]:
    for stated in (checkpoint.config, _optional(checkpoint, "generation_config.json")):
        ends = stated.get("eos_token_id")
        yield from ends if isinstance(ends, list) else [] if ends is None else [ends]


def _named_mask(checkpoint: Checkpoint) -> str:
    """The mask_token of tokenizer_config.json: a string, or an object with its content."""
    named = _optional(checkpoint, "tokenizer_config.json").get("mask_token")
    return str(named.get("content", "") if isinstance(named, dict) else named or "")


def _spellings(checkpoint: Checkpoint) -> Iterator[tuple[str, int]]:
    """Added tokens and their ids, from whichever of the tokenizer's files there are."""
    for token in _optional(checkpoint, "tokenizer.json").get("added_tokens", []):
        yield str(token["content"]), int(token["id"])
    for spelling, number in _optional(checkpoint, "added_tokens.json").items():
        yield spelling, int(number)
    known = _optional(checkpoint, "tokenizer_config.json").get("added_tokens_decoder", {})
    for number, token in known.items():
        yield str(token["content"]), int(number)


def _optional(checkpoint: Checkpoint, name: str) -> dict[str, Any]:
    file = checkpoint.folder / name
    return read_json(file) if file.is_file() else {}


def _first(spellings: dict[str, int], names: tuple[str, ...]) -> int | None:
    return next((spellings[name] for name in names if name in spellings), None)


def _unsaid(checkpoint: Checkpoint, what: str, setting: str) -> LoadError:
    return LoadError(
        f"{checkpoint.folder}: no file says which token is {what}: copy the tokenizer's files beside"
        f" the weights, or write {setting} into config.json"
    )
