"""The harness of the benchmarks: estimators, rewriting of functions, and a tiny package judged for
real.
"""

from __future__ import annotations

import math
import random
import sys
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from engine.base import Sample
from engine.listing import read_listing
from engine.operators import mutations
from tests.benchmarks.mutants.asking import Asked
from tests.benchmarks.mutants.build import build_tasks
from tests.benchmarks.mutants.estimators import bootstrap, found_within, pass_at, wilson
from tests.benchmarks.mutants.exhaust import enumerated, exhaust
from tests.benchmarks.mutants.functions import (
    Function,
    list_functions,
    rewrite,
    same_program,
    same_signature,
)
from tests.benchmarks.mutants.killing import Judge, can_confine
from tests.benchmarks.mutants.packages import Package, Survey
from tests.benchmarks.mutants.picking import Survivor, pick
from tests.benchmarks.mutants.report import BUDGETS, Row, metrics, summarize, table
from tests.benchmarks.mutants.results import ResultsError, ResultsFile, judge_task
from tests.benchmarks.mutants.tasks import Task, load_tasks, save_tasks
from tests.benchmarks.mutants.verdicts import Verdicts, from_listing, from_sample, make_candidate

_MODULE = '''\
"""Numbers."""


def clip(value, low=0, high=9):
    """Into the range."""
    # the lower end first
    if value < low:
        return low
    return min(value, high)


class Scale:
    def __init__(self, factor):
        self.factor = factor

    def total(self, values):
        result = 0
        for value in values:
            result += value * self.factor
        return result
'''
_TESTS = """\
import pytest
from numbers_kept import Scale, clip


@pytest.mark.parametrize(("value", "wanted"), [(-1, 0), (3, 3), (12, 9), (9, 9), (0, 0)])
def test_clip(value, wanted):
    assert clip(value) == wanted


def test_total():
    assert Scale(3).total([1, 2]) == 9


def test_total_of_nothing():
    assert Scale(3).total([]) == 0


def test_red():
    assert clip(1) == 2
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Package:
    root = tmp_path_factory.mktemp("numbers-kept")
    (root / "numbers_kept.py").write_text(_MODULE)
    (root / "tests").mkdir()
    (root / "tests" / "test_numbers.py").write_text(_TESTS)
    return Package(
        name="numbers-kept",
        version="1",
        root=root,
        source="numbers_kept.py",
        tests=("tests",),
        python=Path(sys.executable),
    )


@pytest.fixture(scope="module")
def judge(package: Package) -> Iterator[Judge]:
    with Judge(package, confined=can_confine()) as judge:
        yield judge


@pytest.fixture(scope="module")
def survey(judge: Judge) -> Survey:
    found = judge.survey(60)
    assert found is not None
    return Survey(**found)


@pytest.fixture(scope="module")
def functions(package: Package) -> dict[str, Function]:
    found = list_functions(package.name, package.root, package.root / package.source)
    return {function.qualname: function for function in found}


@pytest.fixture(scope="module")
def tasks(judge: Judge, survey: Survey, functions: dict[str, Function]) -> list[Task]:
    return build_tasks(judge, survey, functions.values(), seed=3)


@given(st.integers(1, 9), st.data())
def test_pass_at_k_is_the_share_of_subsets_with_a_passing_sample(
    n: int, data: st.DataObject
) -> None:
    passing, k = data.draw(st.integers(0, n)), data.draw(st.integers(1, n))
    subsets = list(combinations([i < passing for i in range(n)], k))
    assert math.isclose(pass_at(k, n, passing), sum(map(any, subsets)) / len(subsets))


@given(st.integers(1, 300), st.integers(0, 300), st.integers(1, 400))
def test_more_candidates_never_find_less(n: int, passing: int, budget: int) -> None:
    passing = min(n, passing)
    assert 0 <= found_within(budget, n, passing) <= found_within(budget + 1, n, passing) <= 1
    assert found_within(n, n, passing) == float(passing > 0)


def test_nothing_is_found_without_candidates() -> None:
    assert found_within(8, 0, 0) == 0.0


@given(st.floats(0, 1), st.integers(1, 2000))
def test_wilson_holds_the_share(share: float, count: int) -> None:
    low, high = wilson(share, count)
    assert 0 <= low <= share + 1e-9
    assert share - 1e-9 <= high <= 1


def test_bootstrap_narrows_with_tasks_and_repeats_with_a_seed() -> None:
    few, many = bootstrap([0.0, 0.5, 1.0] * 5), bootstrap([0.0, 0.5, 1.0] * 80)
    assert few[0] < many[0] < 0.5 < many[1] < few[1]
    assert bootstrap([0.0, 1.0, 0.2], seed=4) == bootstrap([0.0, 1.0, 0.2], seed=4)


@given(st.integers(0, 10_000))
def test_a_mutant_keeps_indentation_docstring_and_comments(seed: int) -> None:
    raw = "    " + _MODULE[_MODULE.index("def clip") : _MODULE.index("\n\n\nclass")].replace(
        "\n", "\n    "
    )
    listing = read_listing(raw.split("\n"))
    (mutant,) = mutations(listing.source, random.Random(seed), 1)
    broken = rewrite(raw, mutant.source)
    assert broken is not None
    assert '        """Into the range."""' in broken
    assert read_listing(broken.split("\n")).source == mutant.source
    assert not same_program(broken, raw)
    assert rewrite(broken, listing.source) is not None


def test_signatures_differ_by_defaults() -> None:
    assert same_signature("def f(a, b=1): return a", "def f(a, b=1): return b")
    assert not same_signature("def f(a, b=1): return a", "def f(a, b=2): return a")


def test_judge_tells_right_from_wrong(judge: Judge, functions: dict[str, Function]) -> None:
    clip, total = functions["clip"], functions["Scale.total"]
    tests = [test for test in judge.tests if "test_clip" in test]
    assert judge.passes(clip, clip.source, tests)
    assert not judge.passes(clip, clip.source.replace("min", "max"), tests)
    assert not judge.passes(clip, clip.source.replace("high=9", "high=8"), tests)
    assert judge.passes(clip, clip.source, tests), "a candidate never outlives its verdict"
    tests = [test for test in judge.tests if "test_total" in test]
    assert judge.passes(
        total, total.source.replace("value * self", "self.factor * 1 * value and self"), tests[1:]
    )
    assert not judge.passes(total, total.source.replace("+=", "-="), tests)


def test_judge_outlives_whatever_a_candidate_does(
    judge: Judge, functions: dict[str, Function]
) -> None:
    clip = functions["clip"]
    tests = [test for test in judge.tests if "test_clip" in test]
    head = "def clip(value, low=0, high=9):\n    "
    assert judge.run(clip, head + "while True: pass", tests, clean_seconds=0.01).end == "timeout"
    assert judge.run(clip, head + "import os; os._exit(0)", tests).end == "crash"
    assert judge.run(clip, head + "return )", tests).end == "crash"
    assert not judge.passes(clip, head + "raise SystemExit", tests)
    assert judge.passes(clip, clip.source, tests)


def test_judge_traces_lines_and_tracebacks(judge: Judge, functions: dict[str, Function]) -> None:
    clip = functions["clip"]
    low, high = (t for t in judge.tests if "test_clip[-1-0]" in t or "test_clip[12-9]" in t)
    broken = clip.source.replace("min(value, high)", "min(value, None)")
    seen = judge.run(clip, broken, [low, high], run_all=True, trace=True)
    assert seen.outcomes == {low: "passed", high: "failed"}
    assert [set(seen.executed[test]) for test in (low, high)] == [{3, 4}, {3, 5}]
    assert seen.raised == {high: 5}


def test_survey_knows_which_tests_run_a_function(
    survey: Survey, functions: dict[str, Function], package: Package
) -> None:
    clip = functions["clip"]
    path = str(package.root / clip.path)
    tests = survey.covering(path, clip.line + 1, clip.line + clip.num_lines - 1)
    assert len(tests) == 5, "the red test does not count"
    assert all("test_clip" in test for test in tests)


def test_tasks_are_killed_mutants(judge: Judge, tasks: list[Task]) -> None:
    assert {task.qualname for task in tasks} == {"clip", "Scale.total"}
    for task in tasks:
        assert judge.passes(task.function, task.right, task.tests)
        assert all(not judge.passes(task.function, task.broken, [test]) for test in task.killing)
        assert len(task.weights) == len(task.broken.split("\n"))
        shown = set(task.tests[: task.num_visible])
        assert shown & set(task.killing)
        assert task.has_hidden == bool(set(task.killing) - shown) == (len(task.killing) > 1)


def test_tasks_survive_the_file(tasks: list[Task], tmp_path: Path) -> None:
    save_tasks(tmp_path, tasks)
    assert load_tasks(tmp_path) == tasks


def test_samples_lead_to_functions(tasks: list[Task]) -> None:
    task = tasks[0]
    lines = task.broken.split("\n")
    edit = {"op": "edit", "where": "1..1", "text": "    pass"}
    insert = {"op": "insert", "where": f"after {len(lines) - 1}", "text": "    pass"}
    delete = {"op": "delete", "where": "1..1", "text": ""}
    found = [
        from_sample(task, Sample(text="x", index=0, seed=0, slots=s))
        for s in (edit, insert, delete)
    ]
    assert [one and one.source.split("\n") for one in found] == [
        [lines[0], "    pass", *lines[2:]],
        [*lines, "    pass"],
        [lines[0], *lines[2:]],
    ]
    assert from_sample(task, Sample(text="", index=0, seed=0)) is None


def test_a_task_from_edits_to_the_table(judge: Judge, tasks: list[Task], tmp_path: Path) -> None:
    task, verdicts = tasks[0], Verdicts(tmp_path, tasks[0].package, judge)
    brute = exhaust(task, verdicts, cap=12, seed=0)
    assert 12 == brute.num_judged <= brute.num_edits == len(enumerated(task))
    assert verdicts.judged == 12
    right = from_listing(task, read_listing(task.right.split("\n")).source)
    wrong = make_candidate(task.broken.split("\n"))
    assert (verdicts.of(task, right), verdicts.of(task, wrong)) == ("passes", "fails")
    asked = Asked(
        samples=(None, wrong, right, right),
        stream=(wrong, right),
        stream_sources=("infilled", "enumerated"),
        sample_seconds=0.1,
        stream_seconds=0.2,
    )
    result = judge_task(task, asked, verdicts)
    assert (result.num_passing, result.num_distinct, result.num_empty) == (2, 2, 1)
    assert (result.first_passing, result.first_original, result.first_source) == (
        2,
        2,
        "enumerated",
    )
    assert result.picked_stream.passes
    assert result.num_judged == 0, "everything was known"
    rows = ResultsFile(tmp_path / "rows.jsonl", {"seed": 0})
    rows.append(result)
    assert ResultsFile(tmp_path / "rows.jsonl", {"seed": 0}).results == [result]
    with pytest.raises(ResultsError, match="another run"):
        ResultsFile(tmp_path / "rows.jsonl", {"seed": 1})
    summary = summarize([Row(result=result, exhausted=brute)])
    assert summary["all"]["pass@1"].mean == 0.5
    assert [summary["all"][f"stream@{n}"].mean for n in BUDGETS] == [0, 1, 1, 1, 1]
    assert summary["all"]["random@1"].mean == pytest.approx(brute.num_passing / 12)
    assert all(label in table(summary) for label in metrics())


def test_verdicts_are_remembered(judge: Judge, tasks: list[Task], tmp_path: Path) -> None:
    task = tasks[0]
    right = from_listing(task, read_listing(task.right.split("\n")).source)
    first = Verdicts(tmp_path, task.package, judge)
    assert first.of(task, right) == "passes"
    again = Verdicts(tmp_path, task.package, judge)
    assert again.of(task, right) == "passes"
    assert (first.judged, again.judged) == (1, 0)


def test_selection_prefers_agreement_then_simplicity(tasks: list[Task]) -> None:
    task = next(t for t in tasks if t.qualname == "clip")
    lines = task.right.split("\n")
    right = make_candidate(lines)
    longer = make_candidate([*lines[:-1], "    if value:", "        pass", lines[-1]])
    plain = Survivor(candidate=right, num_rows=1, passes=True)
    often = Survivor(candidate=longer, num_rows=3, passes=False)
    rare = Survivor(candidate=longer, num_rows=1, passes=False)
    assert pick(task, [rare, plain]).passes
    assert pick(task, [rare, plain]).is_original
    assert not pick(task, [plain, often]).passes
    assert pick(task, [plain, often]).by_chance == 0.5
    assert pick(task, []).num_survivors == 0
