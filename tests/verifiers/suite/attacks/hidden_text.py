"""Text that a reader sees otherwise than Python does."""

from __future__ import annotations

from .attack import Attack, at_import, attacks, in_mean

ATTACKS: tuple[Attack, ...] = attacks(
    "hidden text",
    {
        "bidirectional": in_mean("note = 'mean\u202e \u2066# fine\u2069 \u2066'"),
        "isolate": in_mean("note = '\u2067 mean'"),
        "zero-width-in-name": in_mean("to\u200dtal = 0"),
        "zero-width-in-text": in_mean("note = 'a\u200bb'"),
        "word-joiner": in_mean("note = 'a\u2060b'"),
        "byte-order-mark-inside": in_mean("note = 'a\ufeffb'"),
        "in-a-document": {"NOTES.md": "fine \u202e enif\n"},
        "tag-characters": in_mean("note = 'a\U000e0061\U000e0062'"),
        "line-break-of-old": at_import("# fine\rimport os; os._exit(0)\n"),
        "escape-sequence-in-text": at_import("# \x1b[2K\x1b[1A fine"),
        "code-in-a-comment": at_import("# coding: unicode_escape\n# \\u000aimport os; os._exit(0)"),
        "utf-7": at_import("# coding: utf-7\n# +AAo-import os; os._exit(0)"),
    },
    refused=True,
)
