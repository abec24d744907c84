"""OpenTelemetry: every name that winnow emits, in one place.

The code speaks the API alone, which costs nothing until somebody sets up an SDK; `set_up` does that
and is called by the command line only. Prompts, answers and patches are never recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from opentelemetry import trace
from opentelemetry.trace import Span, Status, StatusCode

from agent.errors import ConfigError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter

    from agent.types import Candidate, Run, Selection
    from engine import EngineInfo, SampleRequest
    from verifiers import Verdict

WORKFLOW = "invoke_workflow best_of_n"
CANDIDATE_INDEX = "bon.candidate.index"
CANDIDATE_SEED = "bon.candidate.seed"
CANDIDATE_STATUS = "bon.candidate.status"
DUPLICATE_OF = "bon.duplicate_of"
MAX_SAMPLES = "bon.n_max"
NUM_AGREEING = "bon.cluster.size"
NUM_SAMPLES = "bon.n_used"
OUTCOME = "bon.outcome"
PATCH_DIGEST = "bon.patch.sha256"
SEED = "bon.seed"
WINNER_INDEX = "bon.winner.index"
OPERATION = "gen_ai.operation.name"
MODEL = "gen_ai.request.model"
PROVIDER = "gen_ai.provider.name"
CHOICE_COUNT = "gen_ai.request.choice.count"
REQUEST_SEED = "gen_ai.request.seed"
EVALUATION = "gen_ai.evaluation.result"
EVALUATION_NAME = "gen_ai.evaluation.name"
EVALUATION_SCORE = "gen_ai.evaluation.score.value"
EVALUATION_LABEL = "gen_ai.evaluation.score.label"
EVALUATION_EXPLANATION = "gen_ai.evaluation.explanation"
ERROR_TYPE = "error.type"

Value: TypeAlias = str | int | float | bool


@contextmanager
def span(name: str, attributes: Mapping[str, Value] | None = None) -> Iterator[Span]:
    """A span around a block; an error is its status, a cancelled block stays UNSET."""
    tracer = trace.get_tracer("winnow")
    with tracer.start_as_current_span(
        name,
        attributes=dict(attributes or {}),
        record_exception=False,
        set_status_on_exception=False,
    ) as current:
        try:
            yield current
        except Exception as error:
            current.set_attribute(ERROR_TYPE, type(error).__name__)
            current.set_status(Status(StatusCode.ERROR, type(error).__name__))
            raise


def workflow(max_samples: int, seed: int) -> AbstractContextManager[Span]:
    """The span of a whole run."""
    return span(WORKFLOW, {OPERATION: "invoke_workflow", MAX_SAMPLES: max_samples, SEED: seed})


def chat(info: EngineInfo, request: SampleRequest) -> AbstractContextManager[Span]:
    """The span of one request: N rows are one chat with N choices."""
    attributes: dict[str, Value] = {
        OPERATION: "chat",
        PROVIDER: info.name,
        MODEL: info.model,
        CHOICE_COUNT: request.n,
        REQUEST_SEED: request.seed,
    }
    return span(f"chat {info.model}", attributes)


def record_verdict(current: Span, verdict: Verdict) -> None:
    """A verdict as the standard's evaluation event."""
    current.add_event(
        EVALUATION,
        {
            EVALUATION_NAME: verdict.verifier,
            EVALUATION_SCORE: verdict.score,
            EVALUATION_LABEL: "pass" if verdict.passed else "fail",
            EVALUATION_EXPLANATION: verdict.outcome,
        },
    )


def record_candidate(current: Span, candidate: Candidate) -> None:
    """Where a candidate came from and what became of it."""
    current.set_attribute(CANDIDATE_INDEX, candidate.index)
    current.set_attribute(CANDIDATE_SEED, candidate.sample.seed)
    current.set_attribute(CANDIDATE_STATUS, "passed" if candidate.passed else "failed")
    if candidate.change is not None:
        current.set_attribute(PATCH_DIGEST, candidate.change.digest)


def record_selection(current: Span, selection: Selection) -> None:
    """Who won and how many agreed."""
    current.set_attribute(NUM_AGREEING, selection.num_agreeing)
    if selection.winner is not None:
        current.set_attribute(WINNER_INDEX, selection.winner.index)


def record_run(current: Span, run: Run) -> None:
    """The end of a run."""
    current.set_attribute(OUTCOME, run.outcome)
    current.set_attribute(NUM_SAMPLES, len(run.candidates))


def set_up(exporter: str | None, trace_file: Path | None) -> Callable[[], None]:
    """Set up the SDK; gives the function that sends what is left. Without arguments: nothing.

    Args:
        exporter: a name among the installed `opentelemetry_traces_exporter` entry points.
        trace_file: spans are appended to it, one JSON object each.

    Raises:
        ConfigError: the file cannot be written, or no such exporter is installed.
    """
    if trace_file is None and exporter in (None, "", "none"):
        return _do_nothing
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider()
    if trace_file is not None:
        provider.add_span_processor(BatchSpanProcessor(_file_exporter(trace_file)))
    if exporter and exporter != "none":
        provider.add_span_processor(BatchSpanProcessor(_installed_exporter(exporter)))
    trace.set_tracer_provider(provider)
    return provider.shutdown


def _do_nothing() -> None:
    """What there is to send when nobody asked for spans."""


def _file_exporter(path: Path) -> SpanExporter:
    from opentelemetry.sdk.trace.export import ConsoleSpanExporter

    try:
        stream = path.open("a", encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"the trace file {path} cannot be written: {error.strerror}") from error
    return ConsoleSpanExporter(out=stream, formatter=lambda one: one.to_json(indent=None) + "\n")


def _installed_exporter(name: str) -> SpanExporter:
    found = entry_points(group="opentelemetry_traces_exporter", name=name)
    for entry in found:
        exporter: SpanExporter = entry.load()()
        return exporter
    raise ConfigError(
        f"no exporter {name!r} is installed: install it, or unset OTEL_TRACES_EXPORTER"
    )
