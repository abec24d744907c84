"""What a proposer gives: edits of the listing, with what the model thinks of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.base import Source
from engine.parsing import parse_python
from engine.question import Question
from engine.regions import find_fix
from engine.spans import Frame
from engine.tokens import CodeTokenizer


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """Lines `[start, start + replaced)` of the listing become `added`."""

    start: int
    replaced: int
    added: tuple[str, ...]
    source: Source
    kind: str = ""
    """Operator that made it; empty for sampled and infilled ones."""
    place_score: float = 0.0
    """Log-probability that the changed span begins at its first token."""
    extent_score: float = 0.0
    """Log-probability of the span's end and of how many tokens come."""
    text_score: float = 0.0
    """Log-probability of the new tokens, in nats, summed."""
    num_tokens: int = 0
    """New tokens; none for a deletion."""
    frequency: float = 0.0
    """Share of the sampled rows that said the same."""
    index: int = 0
    steps: int = 1

    def result(self, question: Question) -> tuple[str, ...]:
        """The listing after the edit."""
        lines = question.listing.lines
        return (*lines[: self.start], *self.added, *lines[self.start + self.replaced :])


def is_candidate(proposal: Proposal, question: Question) -> bool:
    """False for a no-op, for lines that do not exist, and for what does not parse."""
    lines = question.listing.lines
    after = proposal.result(question)
    if (
        proposal.start + proposal.replaced > len(lines)
        or after == lines
        or proposal.start == 0 == proposal.replaced
    ):
        return False
    try:
        tree = parse_python("\n".join(after) + "\n")
    except SyntaxError:
        return False
    return len(tree.body) == 1


def read_canvas(
    question: Question, tokenizer: CodeTokenizer, frame: Frame, ids: Sequence[int]
) -> tuple[int, int, tuple[str, ...]] | None:
    """Start, number of replaced lines and new lines of a filled canvas, made as small as they can be; None for a
    canvas that is not well formed, and for one that changes nothing.
    """
    read = tokenizer.decode_canvas(ids)
    if read is None:
        return None
    lines, start = question.listing.lines, question.window.kept[frame.line]
    after = (*lines[:start], *read[1], *lines[start + frame.replaced :])
    fix = find_fix(lines, after)
    return (fix.start, fix.replaced, fix.added) if fix.replaced or fix.added else None
