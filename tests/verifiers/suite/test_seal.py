"""The sealed exam: complementary papers, twins that were tried on the base, marks."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from verifiers import take_snapshot
from verifiers.suite import observations
from verifiers.suite.baseline import Baseline
from verifiers.suite.runs import Result
from verifiers.suite.seal import Exam, make_exam, mark

from .projects import write_project

FILE = """\
def test_one():
    assert 1 == 1
    assert 2 == 2

def test_unreached():
    for i in []:
        assert i == 1

def test_bare():
    pass

def test_target():
    assert 1 == 3

def test_unsure_target():
    if 1:
        assert 1 == 3
"""
GREEN = ("test_one", "test_unreached", "test_bare")
LINES = {
    line.removeprefix("def ").removesuffix("():"): number
    for number, line in enumerate(FILE.splitlines(), 1)
    if line.startswith("def ")
}
TARGETS = ("test_a.py::test_target", "test_a.py::test_unsure_target")


def _result(outcomes: Mapping[str, str]) -> Result:
    tests = {}
    for test, outcome in outcomes.items():
        phases = Counter(setup=1, call=1, teardown=1)
        tests[test] = observations.TestRecord(
            phases=phases, finished=1, failed="call" * (outcome == "failed")
        )
    seen = observations.Observations(tests=tests, end=0)
    return Result(seen=seen, stopped="", status=0, seconds=0.0, tail="")


async def _sit(files: Mapping[str, bytes]) -> Result:
    """Runs the functions of the file, as pytest would."""
    names: dict[str, object] = {}
    exec(files["test_a.py"], names)
    outcomes = {}
    for name, test in names.items():
        if name.startswith("test_") and callable(test):
            try:
                test()
            except AssertionError:
                outcomes[f"test_a.py::{name}"] = "failed"
            else:
                outcomes[f"test_a.py::{name}"] = "passed"
    return _result(outcomes)


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def exam(tmp_path_factory: pytest.TempPathFactory) -> Exam:
    root: Path = write_project(tmp_path_factory.mktemp("seal"), {"test_a.py": FILE})
    outcomes = {f"test_a.py::{name}": "passed" for name in GREEN}
    baseline = Baseline(
        outcomes={**outcomes, **dict.fromkeys(TARGETS, "failed")},
        flaky=frozenset(),
        targets=TARGETS,
        failures={},
        places={f"test_a.py::{name}": ("test_a.py", line) for name, line in LINES.items()},
        durations={},
        seconds=1.0,
        warm=True,
    )
    return await make_exam(take_snapshot(root), baseline, _sit)


async def test_only_twins_that_are_known_to_fail_are_used(exam: Exam) -> None:
    assert exam.sealed == {"test_a.py::test_one", "test_a.py::test_target"}
    assert exam.coverage == pytest.approx(2 / 5)
    assert len(exam.twins["test_a.py", LINES["test_one"]]) == 2


@settings(max_examples=50)
@given(seed=st.integers(0, 1 << 30))
def test_every_sealed_test_is_true_in_one_paper_and_false_in_the_other(
    exam: Exam, seed: int
) -> None:
    one, two = exam.papers(random.Random(seed))
    assert one.must_fail ^ two.must_fail == exam.sealed
    assert one.must_pass | two.must_pass == exam.expected
    assert exam.expected - exam.sealed <= one.must_pass & two.must_pass
    assert one.must_fail, "with two functions none of the papers is empty"
    assert two.must_fail


async def test_honest_code_is_marked_clean_and_forged_code_is_not(exam: Exam) -> None:
    for paper in exam.papers(random.Random(1)):
        honest = {
            **dict.fromkeys(paper.must_pass, "passed"),
            **dict.fromkeys(paper.must_fail, "failed"),
        }
        assert not mark(paper, _result(honest)).findings
        forged = mark(paper, _result(dict.fromkeys(exam.expected, "passed")))
        assert set(forged.forged) == paper.must_fail
        assert [finding.kind for finding in forged.findings] == ["seal.forged"]
        broken = mark(paper, _result(dict.fromkeys(exam.expected, "failed")))
        assert set(broken.broken) == paper.must_pass


async def test_what_the_base_does_otherwise_is_held_against_nobody(exam: Exam) -> None:
    paper = exam.papers(random.Random(1))[0]
    odd, false = "test_a.py::test_bare", sorted(paper.must_fail - set(TARGETS))
    base = {**dict.fromkeys(exam.expected, "passed"), odd: "failed"}
    corrected = paper.corrected(base, TARGETS)
    assert corrected.must_pass == paper.must_pass - {odd}
    assert corrected.must_fail == paper.must_fail - set(false)
