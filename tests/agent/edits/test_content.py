from __future__ import annotations

import pytest
from hypothesis import given, settings

from agent.edits.content import check_encodable, read_content
from agent.errors import EditError
from tests.agent.edits.strategies import files


@given(files())
@settings(max_examples=200, deadline=None)
def test_reading_keeps_every_byte(raw: bytes) -> None:
    content = read_content(raw, "a.txt")
    assert content.raw == raw
    assert len(content.texts) == len(content.endings)


def test_splits_at_newlines_only() -> None:
    assert read_content("a\x0cb\u2028c\r\nd\re".encode(), "a").texts == ("a\x0cb\u2028c", "d\re")


@pytest.mark.parametrize(
    ("raw", "newline"), [(b"a\r\nb\r\nc\n", "\r\n"), (b"a\nb", "\n"), (b"", "\n"), (b"a", "\n")]
)
def test_newline_is_the_usual_one(raw: bytes, newline: str) -> None:
    assert read_content(raw, "a").newline == newline


@pytest.mark.parametrize(
    "raw", [b"caf\xe9\n", b"\xff\xfea\0", "a".encode("utf-16-be"), b"a\0b", b"\x80"]
)
def test_refuses_what_is_not_utf8_text(raw: bytes) -> None:
    with pytest.raises(EditError, match=r"a\.py is not"):
        read_content(raw, "a.py")


def test_only_ascii_goes_into_a_file_of_another_encoding() -> None:
    content = read_content(b"# -*- coding: latin_1 -*-\nx = 1\n", "a.py")
    check_encodable(content, ["plain"], "a.py")
    with pytest.raises(EditError, match="declares latin-1"):
        check_encodable(content, ["caf\u00e9"], "a.py")
    with pytest.raises(EditError, match="not valid Unicode"):
        check_encodable(read_content(b"", "b.py"), ["\ud800"], "b.py")
