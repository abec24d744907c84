"""How suspicious each line of a broken function is, as `agent.localize` computes it.

Failing and passing tests that execute a line give Ochiai's coefficient; the line of the function
that a traceback ends in is raised.
"""

from __future__ import annotations

import math

from agent.functions import FunctionSource, read_functions

from .functions import Function
from .killing import Judgement

_DEF_LINE, _RAISING_FRAME = 0.05, 0.5


def read_broken(text: str, function: Function, broken: str) -> FunctionSource | None:
    """The broken function as the agent reads it out of its file.

    Args:
        text: the file with the right function.
        function: where it lies.
        broken: raw lines that take its place.
    """
    lines = text.split("\n")
    after = [*lines[: function.line - 1], broken, *lines[function.line + function.num_lines - 1 :]]
    found = read_functions(function.path, "\n".join(after))
    return next((one for one in found if one.first_line == function.line), None)


def line_weights(source: FunctionSource, judgement: Judgement) -> tuple[float, ...]:
    """Suspicion of every raw line, 0..1; all 1 where no failing test ran a line.

    A statement of several lines has the weight of its most suspicious line throughout.
    """
    failed = {test for test, outcome in judgement.outcomes.items() if outcome == "failed"}
    own = [_ochiai(line, judgement, failed) for line in range(len(source.lines))]
    for line in {judgement.raised[test] for test in failed & judgement.raised.keys()}:
        own[line] += _RAISING_FRAME * (1.0 - own[line])
    if not any(own):
        return (1.0,) * len(own)
    weights = [_DEF_LINE, *[0.0] * (len(own) - 1)]
    for statement in source.statements:
        lines = range(statement.start - source.first_line, statement.stop - source.first_line)
        most = max(own[line] for line in lines)
        for line in lines:
            weights[line] = max(weights[line], most)
    return tuple(round(weight, 4) for weight in weights)


def _ochiai(line: int, judgement: Judgement, failed: set[str]) -> float:
    runs = [test for test, lines in judgement.executed.items() if line in lines]
    failing = sum(test in failed for test in runs)
    return failing / math.sqrt(len(failed) * len(runs)) if failing else 0.0
