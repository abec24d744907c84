"""What one task came to, and the file that a run appends to and resumes from."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .asking import Asked
from .picking import Picked, Survivor, pick
from .tasks import Task
from .verdicts import Candidate, Verdict, Verdicts, is_original


class ResultsError(Exception):
    """The rows of a file belong to another run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One task."""

    id: str
    package: str
    kind: str
    family: str
    has_hidden: bool
    num_samples: int
    num_empty: int
    """Samples that said nothing, the unchanged function or what does not parse included."""
    num_distinct: int
    num_passing: int
    """Samples that pass every test."""
    picked_sample: Picked
    """Chosen among the samples that pass the visible tests."""
    stream_length: int
    first_passing: int | None
    """1-based place in the ranked stream of the first candidate that passes every test."""
    first_source: str
    first_original: int | None
    """The same of the program as it was before the mutation."""
    num_stream_passing: int
    picked_stream: Picked
    sample_seconds: float
    stream_seconds: float
    num_judged: int
    """Verdicts that were not known yet."""
    judge_seconds: float
    """Processor time."""
    fault: str


def judge_task(task: Task, asked: Asked, verdicts: Verdicts) -> Result:
    """Judge all answers to one task.

    Raises:
        JudgeError: the judge's process died.
    """
    judged, seconds = verdicts.judged, verdicts.seconds
    rows = [candidate for candidate in asked.samples if candidate is not None and candidate.key]
    counts = Counter(row.key for row in rows)
    distinct = list({row.key: row for row in rows}.values())
    of_rows = {one.key: verdicts.of(task, one) for one in distinct}
    of_stream = [verdicts.of(task, one) for one in asked.stream]
    passing = [place for place, verdict in enumerate(of_stream, 1) if verdict == "passes"]
    original = [n for n in passing if is_original(task, asked.stream[n - 1])]
    sampled = _survivors(distinct, [of_rows[one.key] for one in distinct], counts)
    streamed = _survivors(asked.stream, of_stream, {})
    return Result(
        id=task.id,
        package=task.package,
        kind=task.kind,
        family=task.family,
        has_hidden=task.has_hidden,
        num_samples=len(asked.samples),
        num_empty=len(asked.samples) - len(rows),
        num_distinct=len(distinct),
        num_passing=sum(of_rows[row.key] == "passes" for row in rows),
        picked_sample=pick(task, sampled),
        stream_length=len(asked.stream),
        first_passing=passing[0] if passing else None,
        first_source=asked.stream_sources[passing[0] - 1] if passing else "",
        first_original=original[0] if original else None,
        num_stream_passing=len(passing),
        picked_stream=pick(task, streamed),
        sample_seconds=round(asked.sample_seconds, 3),
        stream_seconds=round(asked.stream_seconds, 3),
        num_judged=verdicts.judged - judged,
        judge_seconds=round(verdicts.seconds - seconds, 3),
        fault=asked.fault,
    )


def _survivors(
    candidates: Sequence[Candidate], verdicts: Sequence[Verdict], rows: Mapping[str, int]
) -> list[Survivor]:
    return [
        Survivor(
            candidate=candidate,
            num_rows=rows.get(candidate.key, 1),
            passes=verdict == "passes",
        )
        for candidate, verdict in zip(candidates, verdicts, strict=True)
        if verdict != "fails"
    ]


class ResultsFile:
    """Rows of one run; the first line says which weights and settings they belong to.

    Raises:
        ResultsError: the file was written with other weights or settings.
    """

    def __init__(self, path: Path, header: Mapping[str, Any]) -> None:
        self._path = path
        self.results: list[Result] = []
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.write_text(json.dumps(header) + "\n", encoding="utf-8")
        first, *rows = path.read_text(encoding="utf-8").splitlines()
        if json.loads(first) != json.loads(json.dumps(header)):
            raise ResultsError(f"{path} is of another run: delete it, or name another --out")
        self.results += [_result(json.loads(row)) for row in rows]

    def append(self, result: Result) -> None:
        """Keep and write one row."""
        self.results.append(result)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(result)) + "\n")


def _result(values: dict[str, Any]) -> Result:
    for name in ("picked_sample", "picked_stream"):
        values[name] = Picked(**values[name])
    return Result(**values)
