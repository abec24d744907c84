from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from agent.errors import JournalError
from agent.journal import Event, Journal, read_events

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None)
@given(st.lists(st.tuples(st.text(), st.dictionaries(st.text(), json_values, max_size=3))))
def test_what_is_written_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, events: list[tuple[str, dict[str, object]]]
) -> None:
    path = tmp_path_factory.mktemp("log") / "events.jsonl"
    with Journal(path) as journal:
        for kind, facts in events:
            journal(kind, facts)
    found = list(read_events(path))
    assert [(one.kind, one.facts) for one in found] == events
    assert [one.seq for one in found] == list(range(len(events)))
    seconds = [one.seconds for one in found]
    assert seconds == sorted(seconds)
    assert path.read_text(encoding="utf-8").count("\n") == len(events)


def test_an_event_is_there_at_once(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    with Journal(path) as journal:
        journal("run.started", {"seed": 1})
        assert [one.kind for one in read_events(path)] == ["run.started"]


def test_a_torn_last_line_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    with Journal(path) as journal:
        journal("a", {})
        journal("b", {})
    raw = path.read_bytes()
    path.write_bytes(raw[:-5])
    assert [one.kind for one in read_events(path)] == ["a"]


def test_a_log_is_never_continued_or_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    Journal(path).close()
    with pytest.raises(JournalError, match="cannot write"):
        Journal(path)


@pytest.mark.parametrize(
    "line",
    [
        "no json",
        "[]",
        "{}",
        json.dumps({"schema_version": 99, "seq": 0, "kind": "a", "seconds": 0, "facts": {}}),
        json.dumps({"schema_version": 1, "seq": 3, "kind": "a", "seconds": 0, "facts": {}}),
        json.dumps({"schema_version": 1, "seq": 0, "kind": "a", "seconds": 0, "facts": 1}),
    ],
)
def test_damage_is_said(tmp_path: Path, line: str) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text(line + "\n")
    with pytest.raises(JournalError, match=r"events\.jsonl"):
        list(read_events(path))


def test_a_log_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="cannot read"):
        list(read_events(tmp_path / "none"))
    with pytest.raises(JournalError, match="cannot write"):
        Journal(tmp_path / "none" / "events.jsonl")
    assert Event(seq=0, kind="a", seconds=0.0, facts={}).facts == {}
