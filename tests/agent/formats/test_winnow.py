from __future__ import annotations

import pytest
from hypothesis import given, settings, strategies as st

from agent.edits import Operation, operations_of, operations_to_json, render_changes
from agent.errors import EditError
from agent.formats import get_format
from agent.formats.holes import find_hole
from agent.types import ToolCall
from engine import Pinned, Slot
from tests.agent.edits.strategies import operations

WINNOW = get_format("winnow")
STREAM = "@@ edit a.py 3#aa..3#aa\n|    return 1\n@@ done 1\n"


def test_the_text_is_one_edit() -> None:
    parsed = WINNOW.parse(STREAM)
    assert parsed.calls == (ToolCall(name="edit", arguments={"changes": STREAM}),)
    assert (parsed.content, parsed.diagnostics) == ("", ())


def test_text_around_the_stream_stays_in_the_content() -> None:
    parsed = WINNOW.parse(f"Here | is\n|a table|\n{STREAM}<|im_end|>\n")
    assert parsed.calls[0].arguments == {"changes": STREAM}
    assert parsed.content == "Here | is\n|a table|\n<|im_end|>"
    assert parsed.calls[0].repairs == ()
    assert parsed.diagnostics == ("trailing-text",)


def test_liberties_are_recorded_as_repairs() -> None:
    parsed = WINNOW.parse("@@ @@ delete a.py 3#aa\n")
    assert parsed.calls[0].repairs == (
        "stream.duplicate-token (line 1)",
        "stream.no-done (the text may be cut off)",
    )


@pytest.mark.parametrize("text", ["", "no idea", "@@ edit a.py\n|x\n@@ done 1\n", "|x\n"])
def test_unreadable_text_stays_whole_with_the_reason(text: str) -> None:
    parsed = WINNOW.parse(text)
    assert parsed.calls == ()
    assert parsed.content == text
    assert parsed.diagnostics[0].startswith("change stream: ")


@pytest.mark.parametrize("token", ["<mask>", "<|mask|>", "<|mdm_mask|>", "[MASK]", "<pad>"])
def test_leftover_token_is_a_rejection_that_names_its_characters(token: str) -> None:
    text = STREAM.replace("1\n@@", f"{token}\n@@")
    start = text.index(token)
    parsed = WINNOW.parse(text)
    assert parsed.calls == ()
    assert parsed.content == text
    assert parsed.diagnostics == (
        f"rejected: leftover token {token!r} at characters {start}..{start + len(token)}",
    )


def test_leftover_token_in_a_header_is_named_before_the_grammar() -> None:
    parsed = WINNOW.parse("@@ edit a.py <mask>\n|x\n@@ done 1\n")
    assert [one.split(":")[0] for one in parsed.diagnostics] == ["rejected", "change stream"]


def test_an_index_is_no_leftover_token() -> None:
    assert find_hole("x = table[MASK] + rows()[MASK]") is None


@given(st.lists(operations, max_size=4))
@settings(max_examples=150, deadline=None)
def test_rendered_calls_parse_to_the_same_operations(stream: list[Operation]) -> None:
    call = ToolCall(name="edit", arguments={"changes": render_changes(stream)})
    if find_hole(render_changes(stream)) is None:
        assert WINNOW.parse(WINNOW.render([call])).calls == (call,)
    if stream:
        twin = ToolCall(name="edit", arguments={"operations": operations_to_json(stream)})
        assert WINNOW.render([call, twin]) == render_changes([*stream, *stream])


def test_only_edits_are_rendered() -> None:
    with pytest.raises(EditError, match="not 'search'"):
        WINNOW.render([ToolCall(name="search", arguments={})])


def test_a_filled_canvas_parses() -> None:
    canvas = WINNOW.canvas("my file.py")
    assert canvas is not None
    filled = {"op": "edit", "where": "3#aa..4#bb", "text": "|x = 1\n|y = 2\n"}
    slots = [one for one in canvas.segments if isinstance(one, Slot)]
    assert [(one.name, one.kind) for one in slots] == [
        ("op", "choice"),
        ("where", "anchor"),
        ("text", "code"),
    ]
    text = "".join(
        one.text if isinstance(one, Pinned) else filled[one.name] for one in canvas.segments
    )
    parsed = WINNOW.parse(text)
    assert parsed.calls[0].repairs == ()
    assert operations_of(parsed.calls[0].arguments)[0].path == "my file.py"


@given(st.text())
@settings(max_examples=200, deadline=None)
def test_never_raises_and_swallows_nothing(text: str) -> None:
    parsed = WINNOW.parse(text)
    assert parsed.calls or parsed.content == text
