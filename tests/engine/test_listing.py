"""Listings: what the model reads leads back to the file."""

from __future__ import annotations

import ast

import pytest

from engine.listing import read_listing

METHOD = [
    "    @cached",
    "    def total(self, items):",
    '        """Sum of',
    '        all items."""',
    "        # nothing yet",
    "        result = 0  # start",
    "",
    "        for item in items:",
    "            result += item  # '#' stays out",
    '        return f"{result} # of " + """a',
    "    # kept",
    '"""',
    "",
][:-1]


def test_listing_drops_docstring_comments_and_blank_lines() -> None:
    listing = read_listing(METHOD)
    assert listing.lines[:4] == (
        "def total(self, items):",
        "    result = 0",
        "    for item in items:",
        "        result += item",
    )
    assert any("# kept" in line for line in listing.lines)
    assert any("# of" in line for line in listing.lines)


def test_origin_leads_back_to_the_raw_line() -> None:
    listing = read_listing(METHOD)
    for line, origin in zip(listing.lines[:4], listing.origin, strict=False):
        assert METHOD[origin].strip().startswith(line.strip())
        assert listing.restore(line) == METHOD[origin].split("  #")[0]


def test_listing_parses_flush_left() -> None:
    assert isinstance(ast.parse(read_listing(METHOD).source).body[0], ast.FunctionDef)


@pytest.mark.parametrize("lines", [["x = 1"], ["def f(:"], [""]])
def test_what_is_no_function_is_refused(lines: list[str]) -> None:
    with pytest.raises(SyntaxError):
        read_listing(lines)
