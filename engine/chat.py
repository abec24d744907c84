"""From messages and tools to tokens, with the chat template of the checkpoint, and from tokens back to text."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .base import Message
from .errors import LoadError, RequestError


@dataclass(frozen=True, slots=True)
class ChatTokenizer:
    """A checkpoint's tokenizer.

    Args:
        inner: transformers' tokenizer of the checkpoint.
        end_ids: tokens that end an answer.
    """

    inner: Any
    end_ids: frozenset[int]

    @classmethod
    def load(cls, folder: Path, end_ids: Collection[int]) -> ChatTokenizer:
        """Read `tokenizer.json` and the template beside it.

        Raises:
            LoadError: there is no usable tokenizer.
        """
        from transformers import AutoTokenizer

        try:
            inner: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        except (OSError, ValueError, KeyError) as error:
            raise LoadError(
                f"{folder} has no tokenizer that can be read: {error}; "
                "tokenizer.json and tokenizer_config.json belong beside the weights"
            ) from error
        found = {inner.eos_token_id} if inner.eos_token_id is not None else set()
        return cls(inner, frozenset(found | set(end_ids)))

    def prompt(self, messages: Sequence[Message], tools: Sequence[Mapping[str, Any]]) -> list[int]:
        """Token ids of the conversation, up to where the model's turn begins.

        Raises:
            RequestError: there are no messages, or the checkpoint has no chat template.
        """
        if not messages:
            raise RequestError("the request has no messages: give at least one of role user")
        if not self.inner.chat_template:
            raise RequestError(
                "the checkpoint has no chat template, so messages cannot be put into its form: "
                "add chat_template.jinja to its folder, as the model's publisher has it"
            )
        ids = self.inner.apply_chat_template(
            [{"role": one.role, "content": one.content} for one in messages],
            tools=[dict(tool) for tool in tools] or None,
            add_generation_prompt=True,
            tokenize=True,
            return_dict=False,
        )
        return [int(token) for token in ids]

    def text(self, ids: Sequence[int]) -> tuple[str, bool]:
        """The text up to the first token that ends it, with special tokens, and whether there was one."""
        end = next((i for i, token in enumerate(ids) if token in self.end_ids), None)
        kept = list(ids if end is None else ids[:end])
        return str(self.inner.decode(kept, skip_special_tokens=False)), end is not None
