from __future__ import annotations

import hashlib
from base64 import b32encode

import pytest

from agent.edits import Anchor, Edit, Insert, anchor, line_hash
from agent.errors import EditError


def test_anchor_is_number_and_start_of_base32_hash() -> None:
    digest = hashlib.blake2b(b"    return x", digest_size=5).digest()
    wanted = b32encode(digest).decode().lower()[:2]
    assert anchor(41, "    return x") == f"41#{wanted}"


def test_hash_ignores_what_stands_right_of_the_text() -> None:
    assert line_hash("x = 1") == line_hash("x = 1 \t\r") != line_hash(" x = 1")


def test_longer_hash_continues_the_shorter() -> None:
    assert line_hash("text", 3).startswith(line_hash("text", 2))
    assert Anchor(1, line_hash("text", 3)).matches("text")


def test_a_line_never_holds_a_newline() -> None:
    start = Anchor(1, "aa")
    with pytest.raises(EditError, match="newline"):
        Edit(path="a.py", start=start, end=start, lines=("one\ntwo",))


def test_insert_takes_an_anchor_only_beside_a_line() -> None:
    with pytest.raises(EditError, match="an anchor"):
        Insert(path="a.py", where="before", lines=())
    with pytest.raises(EditError, match="no anchor"):
        Insert(path="a.py", where="end", anchor=Anchor(1, "aa"), lines=())
