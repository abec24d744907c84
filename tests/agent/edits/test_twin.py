from __future__ import annotations

import json

import pytest
from hypothesis import given, settings, strategies as st
from jsonschema import Draft202012Validator

from agent.edits import (
    Create,
    operations_from_json,
    operations_of,
    operations_schema,
    operations_to_json,
    render_changes,
)
from agent.edits.ops import Operation
from agent.errors import EditError
from tests.agent.edits.strategies import operations


@given(st.lists(operations, min_size=1, max_size=4))
@settings(max_examples=150, deadline=None)
def test_json_twin_gives_the_same_operations(stream: list[Operation]) -> None:
    values = json.loads(json.dumps(operations_to_json(stream)))
    assert operations_from_json(values) == tuple(stream)
    Draft202012Validator(operations_schema()).validate(values)


def test_text_without_last_newline_is_the_same_lines() -> None:
    values = [{"op": "create", "path": "a.py", "text": "x\ny"}]
    assert operations_from_json(values) == (Create(path="a.py", lines=("x", "y")),)


@pytest.mark.parametrize(
    "values",
    [
        [],
        "text",
        [{"op": "rename", "path": "a"}],
        [{"op": "create", "path": "a.py"}],
        [{"op": "create", "path": "a.py", "text": "x", "mode": 1}],
        [{"op": "delete", "path": "a.py", "start": "1#!!", "end": "1#aa"}],
        [{"op": "insert", "path": "a.py", "where": "before", "text": "x"}],
    ],
)
def test_refuses_what_is_no_list_of_operations(values: object) -> None:
    with pytest.raises(EditError):
        operations_from_json(values)


def test_edit_arguments_hold_one_form() -> None:
    stream = (Create(path="a.py", lines=("x",)),)
    values = operations_to_json(stream)
    assert operations_of({"changes": render_changes(stream)}) == stream
    assert operations_of({"operations": values}) == stream
    for arguments in ({}, {"changes": "", "operations": values}, {"changes": 1}):
        with pytest.raises(EditError):
            operations_of(arguments)
