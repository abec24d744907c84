"""From a sample to a change: text, calls, operations, change. What goes wrong is the fault."""

from __future__ import annotations

from agent.edits import Operation, operations_of, resolve
from agent.errors import EditError
from agent.types import CallFormat, Candidate, ToolCall
from engine import Sample
from verifiers import Snapshot

NO_ANSWER = "the model gave no answer"
NO_CHANGE = "changes nothing"


def read_candidate(
    index: int, sample: Sample, call_format: CallFormat, snapshot: Snapshot
) -> Candidate:
    """The candidate that a sample makes, not judged yet; never raises on model text."""
    if not sample.text.strip():
        return Candidate(index=index, sample=sample, fault=NO_ANSWER)
    parsed = call_format.parse(sample.text)
    if not parsed.calls:
        reason = "; ".join(parsed.diagnostics) or "no tool call in the text"
        return Candidate(index=index, sample=sample, fault=reason)
    try:
        change = resolve(_operations(parsed.calls), snapshot)
    except EditError as error:
        return Candidate(index=index, sample=sample, calls=parsed.calls, fault=str(error))
    fault = NO_CHANGE if change.is_empty else None
    return Candidate(index=index, sample=sample, calls=parsed.calls, change=change, fault=fault)


def _operations(calls: tuple[ToolCall, ...]) -> tuple[Operation, ...]:
    """The operations of all edits as one stream, so that they stand or fall together."""
    edits = [call for call in calls if call.name == "edit"]
    if not edits:
        raise EditError(f"calls {calls[0].name!r}; a change is made by `edit`")
    return tuple(operation for call in edits for operation in operations_of(call.arguments))
