"""A proposal as the text of a tool call: pinned parts of the canvas stay, slots are filled, lines lead back to the file."""

from __future__ import annotations

from collections.abc import Mapping

from .base import Canvas, Pinned, Sample, SampleRequest, Slot
from .errors import RequestError
from .proposers.base import Proposal
from .question import Question


def default_canvas(path: str) -> Canvas:
    """One operation of the change stream: `@@ op path where`, the new lines, `@@ done 1`."""
    return Canvas(
        segments=(
            Pinned(text="@@ "),
            Slot(name="op", kind="choice", choices=("edit", "insert", "delete")),
            Pinned(text=f" {path} "),
            Slot(name="where", kind="anchor"),
            Pinned(text="\n"),
            Slot(name="text", kind="code"),
            Pinned(text="@@ done 1\n"),
        )
    )


def render_sample(
    question: Question, proposal: Proposal | None, request: SampleRequest, index: int, score: float
) -> Sample:
    """The sample of one row. None, a canvas that was not well formed, becomes a sample without text."""
    seed = request.seed + index
    if proposal is None:
        return Sample(text="", index=index, seed=seed, score=score, finish_reason="length")
    slots = _fill(question, proposal)
    canvas = request.canvas or default_canvas(question.passage.path)
    return Sample(
        text="".join(_segment(segment, slots) for segment in canvas.segments),
        index=index,
        seed=seed,
        source=proposal.source,
        steps=proposal.steps,
        confidence=proposal.text_score / max(1, proposal.num_tokens),
        score=score,
        slots=slots,
    )


def _fill(question: Question, proposal: Proposal) -> dict[str, str]:
    lines = [question.listing.restore(line) for line in proposal.added]
    op = "insert" if not proposal.replaced else "edit" if lines else "delete"
    return {"op": op, "where": _where(question, proposal), "text": "\n".join(lines)}


def _where(question: Question, proposal: Proposal) -> str:
    origin, anchors = question.listing.origin, question.passage.anchors
    if proposal.replaced:
        last = min(proposal.start + proposal.replaced, len(origin)) - 1
        return f"{anchors[origin[proposal.start]]}..{anchors[origin[last]]}"
    if proposal.start < len(origin):
        return f"before {anchors[origin[proposal.start]]}"
    return f"after {anchors[origin[-1]]}"


def _segment(segment: Pinned | Slot, slots: Mapping[str, str]) -> str:
    if isinstance(segment, Pinned):
        return segment.text
    if segment.name not in slots:
        raise RequestError(
            f"the embedded model fills the slots {sorted(slots)}, not {segment.name!r}"
        )
    value = slots[segment.name]
    if segment.kind == "code":
        return "".join(f"|{line}\n" for line in value.split("\n")) if value else ""
    return value
