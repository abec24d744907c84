"""What the engine says to one task: independent samples, and the ranked stream of all proposers."""

from __future__ import annotations

import time
from dataclasses import dataclass

from engine import ContextError, Engine, RequestError, SampleRequest

from .tasks import Task
from .verdicts import Candidate, from_sample


@dataclass(frozen=True, slots=True, kw_only=True)
class AskConfig:
    """How the engine is asked."""

    num_samples: int = 64
    """Rows with seeds `seed`, `seed + 1`, …"""
    stream_length: int = 256
    seed: int = 0
    evidence: bool = True
    """Weights of lines from coverage and tracebacks; False: all lines alike."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Answers of the engine, as functions. None stands for a row that said nothing."""

    samples: tuple[Candidate | None, ...]
    stream: tuple[Candidate, ...]
    """Distinct, best first."""
    stream_sources: tuple[str, ...]
    sample_seconds: float
    stream_seconds: float
    fault: str = ""
    """Why the engine could not be asked."""


async def ask_engine(engine: Engine, task: Task, config: AskConfig) -> Asked:
    """Ask twice; a function that does not fit the model has no answers, which counts as
    unsolved.
    """
    passage = task.passage(evidence=config.evidence)
    rows = SampleRequest(n=config.num_samples, seed=config.seed, passage=passage)
    ranked = SampleRequest(
        n=config.stream_length,
        seed=config.seed,
        passage=passage,
        sources=("sampled", "infilled", "enumerated"),
    )
    try:
        started = time.perf_counter()
        samples = [sample async for sample in engine.sample(rows)]
        between = time.perf_counter()
        stream = [sample async for sample in engine.sample(ranked)]
    except (ContextError, RequestError) as error:
        return Asked(
            samples=(),
            stream=(),
            stream_sources=(),
            sample_seconds=0.0,
            stream_seconds=0.0,
            fault=str(error),
        )
    found = [(c, s.source) for s in stream if (c := from_sample(task, s)) is not None]
    return Asked(
        samples=tuple(from_sample(task, sample) for sample in samples),
        stream=tuple(candidate for candidate, _ in found),
        stream_sources=tuple(source for _, source in found),
        sample_seconds=between - started,
        stream_seconds=time.perf_counter() - between,
    )
