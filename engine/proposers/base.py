"""What a proposer gives: edits of the listing, with what the model thinks of them."""

from __future__ import annotations

from dataclasses import dataclass

from engine.base import Source
from engine.parsing import parse_python
from engine.question import Question


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """Lines `[start, start + replaced)` of the listing become `added`."""

    start: int
    replaced: int
    added: tuple[str, ...]
    source: Source
    kind: str = ""
    """Operator that made it; empty for sampled and infilled ones."""
    line_score: float = 0.0
    """Log-probability that the fix starts at this line."""
    text_score: float = 0.0
    """Log-probability of the new tokens, in nats, summed."""
    old_score: float = 0.0
    """The same for the tokens that they replace, in the same place."""
    num_tokens: int = 1
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
