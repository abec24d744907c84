"""Shares over tasks with 95 % intervals, overall, by family and by kind."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from .estimators import Interval, bootstrap, found_within, wilson
from .exhaust import Exhausted
from .results import Result

BUDGETS = (1, 8, 16, 64, 256)
_SAMPLE_BUDGETS = (1, 8, 64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A result beside what brute force found; None where the edits were not judged."""

    result: Result
    exhausted: Exhausted | None


Metric: TypeAlias = Callable[[Row], float | None]
"""A number per task, 0..1 (-1..1 for differences); None where the task does not take part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """The mean of a metric over tasks."""

    count: int
    mean: float
    interval: Interval


def metrics() -> dict[str, Metric]:
    """Every figure of the benchmark, by name, in the order of the report."""
    return {
        **{f"pass@{k}": _pass_at(k) for k in _SAMPLE_BUDGETS},
        **{f"stream@{n}": _stream(n) for n in BUDGETS},
        **{f"random@{n}": _random(n) for n in BUDGETS},
        **{f"located@{n}": _located(n) for n in BUDGETS},
        **{f"stream-random@{n}": _difference(_stream(n), _random(n)) for n in BUDGETS},
        **{f"stream-located@{n}": _difference(_stream(n), _located(n)) for n in BUDGETS},
        "enumerable": _enumerable,
        **{f"original@{n}": _original(n) for n in BUDGETS},
        "picked@64 hidden": _hidden(lambda result: result.picked_sample.passes),
        "chance@64 hidden": _hidden(lambda result: result.picked_sample.by_chance),
        "oracle@64 hidden": _hidden(lambda result: result.picked_sample.any_passes),
        "picked@256 hidden": _hidden(lambda result: result.picked_stream.passes),
        "chance@256 hidden": _hidden(lambda result: result.picked_stream.by_chance),
        "oracle@256 hidden": _hidden(lambda result: result.picked_stream.any_passes),
        "picked@256 original": lambda row: float(row.result.picked_stream.is_original),
    }


LEGEND = """
pass@k      k independent samples hold one that passes every test that runs the function (unbiased)
stream@n    the first n distinct candidates of the ranked stream hold one
random@n    the same of all single edits of the operator table in random order (expectation)
located@n   the same with the most suspicious lines first, and no model
enumerable  some single edit of the table passes
original@n  the first n of the stream hold the very program before the mutation
hidden      tasks with two or more killing tests: selection sees half of the tests, all judge;
            chance: a random survivor; oracle: some survivor passes
""".strip()


def summarize(rows: Sequence[Row], seed: int = 0) -> dict[str, dict[str, Share]]:
    """Group -> metric -> share; groups are `all`, the families and the kinds."""
    groups: dict[str, list[Row]] = {"all": list(rows)}
    for row in sorted(rows, key=lambda row: (row.result.family, row.result.kind)):
        groups.setdefault(row.result.family, []).append(row)
    for row in sorted(rows, key=lambda row: (row.result.family, row.result.kind)):
        groups.setdefault(f"{row.result.family}: {row.result.kind}", []).append(row)
    return {
        name: {
            label: _share(metric, group, seed, is_difference="-" in label)
            for label, metric in metrics().items()
        }
        for name, group in groups.items()
    }


def seconds(rows: Sequence[Row]) -> dict[str, float]:
    """Means and medians per task."""
    results = [row.result for row in rows]
    judged = sum(result.num_judged for result in results)
    each = {
        "sampling": [result.sample_seconds for result in results],
        "stream": [result.stream_seconds for result in results],
        "judging": [result.judge_seconds for result in results],
    }
    found = {f"{name}, median": statistics.median(values) for name, values in each.items()}
    found |= {f"{name}, mean": statistics.fmean(values) for name, values in each.items()}
    return found | {"per verdict": sum(each["judging"]) / max(1, judged)}


def table(summary: Mapping[str, Mapping[str, Share]]) -> str:
    """All metrics of the large groups, then a few per kind."""
    large = [name for name in summary if ": " not in name]
    lines = [f"{'':<22}" + "".join(f"{_titled(summary, n):>28}" for n in large)]
    lines += [
        f"{label:<22}" + "".join(f"{_cell(summary[n][label]):>28}" for n in large)
        for label in metrics()
    ]
    few = ("pass@1", "pass@64", "stream@1", "stream@16", "stream@256", "random@16", "random@256")
    lines += ["", f"{'':<30}" + "".join(f"{label:>12}" for label in few)]
    for name in summary:
        if ": " in name:
            cells = "".join(f"{100 * summary[name][label].mean:>11.1f}%" for label in few)
            lines.append(f"{_titled(summary, name):<30}" + cells)
    return "\n".join(lines)


def as_json(summary: Mapping[str, Mapping[str, Share]]) -> dict[str, Any]:
    """The summary as plain values."""
    return {
        group: {
            label: {
                "tasks": share.count,
                "mean": round(share.mean, 4),
                "interval": [round(end, 4) for end in share.interval],
            }
            for label, share in shares.items()
        }
        for group, shares in summary.items()
    }


def _share(metric: Metric, rows: Sequence[Row], seed: int, *, is_difference: bool) -> Share:
    values = [value for row in rows if (value := metric(row)) is not None]
    mean = statistics.fmean(values) if values else 0.0
    yes_or_no = not is_difference and all(value in (0.0, 1.0) for value in values)
    interval = wilson(mean, len(values)) if yes_or_no else bootstrap(values, seed)
    return Share(count=len(values), mean=mean, interval=interval)


def _pass_at(k: int) -> Metric:
    def metric(row: Row) -> float:
        result = row.result
        return found_within(k, result.num_samples, result.num_passing)

    return metric


def _stream(n: int) -> Metric:
    return lambda row: float((row.result.first_passing or n + 1) <= n)


def _original(n: int) -> Metric:
    return lambda row: float((row.result.first_original or n + 1) <= n)


def _random(n: int) -> Metric:
    def metric(row: Row) -> float | None:
        found = row.exhausted
        return None if found is None else found_within(n, found.num_judged, found.num_passing)

    return metric


def _located(n: int) -> Metric:
    def metric(row: Row) -> float | None:
        found = row.exhausted
        return None if found is None else float((found.first_located or n + 1) <= n)

    return metric


def _difference(left: Metric, right: Metric) -> Metric:
    def metric(row: Row) -> float | None:
        ours, theirs = left(row), right(row)
        return None if ours is None or theirs is None else ours - theirs

    return metric


def _enumerable(row: Row) -> float | None:
    return None if row.exhausted is None else float(row.exhausted.num_passing > 0)


def _hidden(value: Callable[[Result], float]) -> Metric:
    return lambda row: float(value(row.result)) if row.result.has_hidden else None


def _titled(summary: Mapping[str, Mapping[str, Share]], name: str) -> str:
    return f"{name} ({summary[name]['pass@1'].count})"


def _cell(share: Share) -> str:
    low, high = share.interval
    return f"{100 * share.mean:.1f}% [{100 * low:.1f}, {100 * high:.1f}]"
