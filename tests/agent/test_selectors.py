from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings, strategies as st

from agent.selectors import best_partial, describe_failures, select
from agent.types import Candidate
from engine import Sample
from verifiers import Change, FileChange, Verdict

BEFORE = b"def f(a):\n    if a > 1:\n        return 1\n    return 2\n"


def verdict(
    verifier: str = "tests",
    *,
    passed: bool = True,
    score: float = 1.0,
    outcome: str = "passed",
    tests: dict[str, str] | None = None,
) -> Verdict:
    given_tests = {"t": "passed"} if tests is None and verifier == "tests" else tests or {}
    return Verdict(
        verifier=verifier, passed=passed, score=score, outcome=outcome, tests=given_tests
    )


def candidate(
    index: int,
    after: bytes = b"def f(a):\n    return 2\n",
    *,
    complexity: float = 0.5,
    tests: Verdict | None = None,
) -> Candidate:
    return Candidate(
        index=index,
        sample=Sample(text="", index=index, seed=index),
        change=Change({"a.py": FileChange(before=BEFORE, after=after)}),
        verdicts=(verdict("complexity", score=complexity), tests or verdict()),
    )


def edited(old: bytes, new: bytes) -> bytes:
    return BEFORE.replace(old, new)


GREATER = edited(b"> 1", b">= 1")
EQUAL = edited(b"> 1", b"== 1")


def test_the_only_one_that_passed_wins() -> None:
    failed = candidate(0, EQUAL, tests=verdict(passed=False, score=0.2, outcome="failed"))
    found = select([failed, candidate(1, GREATER)])
    assert found.winner is not None
    assert found.winner.index == 1
    assert found.reason == "the only candidate that passed"
    assert found.num_agreeing == 1


def test_code_that_most_agree_on_wins_whatever_its_layout() -> None:
    spaced = GREATER.replace(b"a >= 1:", b"a>=1:  # at least")
    found = select([candidate(0, EQUAL), candidate(1, spaced), candidate(2, GREATER)])
    assert found.winner is not None
    assert found.winner.index == 1
    assert found.num_agreeing == 2
    assert "2 of the candidates that passed make the same code" in found.reason


def test_repeated_answers_are_votes() -> None:
    again = replace(candidate(2, GREATER), verdicts=(), duplicate_of=1)
    found = select([candidate(0, EQUAL), candidate(1, GREATER), again])
    assert found.winner is not None
    assert found.winner.index == 1
    assert found.num_agreeing == 2


def test_agreement_needs_the_same_outcomes_of_tests() -> None:
    skipped = verdict(tests={"t": "passed", "u": "skipped"})
    first = candidate(0, EQUAL)
    found = select([first, candidate(1, GREATER, tests=skipped), candidate(2, GREATER)])
    assert found.num_agreeing == 1


def test_less_added_complexity_wins_among_loners() -> None:
    found = select([candidate(0, EQUAL, complexity=0.3), candidate(1, GREATER, complexity=0.5)])
    assert found.winner is not None
    assert found.winner.index == 1
    assert "adds least complexity" in found.reason


def test_what_is_removed_earns_nothing() -> None:
    gutted = candidate(1, b"def f(a):\n    return 2\n", complexity=0.9)
    found = select([candidate(0, GREATER), gutted])
    assert found.winner is not None
    assert found.winner.index == 0
    assert "smallest change" in found.reason


def test_the_models_order_decides_last() -> None:
    found = select([candidate(3, EQUAL), candidate(2, GREATER)])
    assert found.winner is not None
    assert found.winner.index == 2
    assert "ranked it first" in found.reason


def test_none_passed_says_why_and_what_came_closest() -> None:
    half = verdict(passed=False, score=0.45, outcome="failed", tests={"t": "passed", "u": "failed"})
    nothing = verdict(passed=False, score=0.0, outcome="failed", tests={"t": "failed"})
    cheat = verdict(passed=False, score=0.0, outcome="tampered")
    silent = Candidate(index=3, sample=Sample(text="", index=3, seed=3), fault="no answer")
    found = select(
        [
            candidate(0, EQUAL, tests=nothing),
            candidate(1, GREATER, tests=half),
            candidate(2, b"", tests=cheat),
            silent,
        ]
    )
    assert found.winner is None
    assert found.best_partial is not None
    assert found.best_partial.index == 1
    assert found.reason.startswith("none of 4 candidates passed: 2 failed tests")
    assert "1 tampered with the tests" in found.reason
    assert "1 made no change that could be tried" in found.reason


def test_nothing_to_choose_from() -> None:
    assert select([]).winner is None
    assert describe_failures([]) == "there was no candidate to judge"
    assert best_partial([]) is None


verdicts = st.builds(
    verdict,
    passed=st.booleans(),
    score=st.floats(0, 1),
    outcome=st.sampled_from(["passed", "failed", "timeout", "tampered"]),
    tests=st.dictionaries(st.sampled_from("tuv"), st.sampled_from(["passed", "failed"])),
)
bodies = st.sampled_from([GREATER, EQUAL, b"def f(a):\n    return 2\n", b"def f(:\n", b""])
lists = st.lists(
    st.builds(
        lambda after, complexity, tests: (after, complexity, tests),
        bodies,
        st.floats(0, 1),
        verdicts,
    ),
    max_size=6,
).map(
    lambda items: [
        candidate(i, after, complexity=complexity, tests=tests)
        for i, (after, complexity, tests) in enumerate(items)
    ]
)


@settings(deadline=None)
@given(lists)
def test_the_winner_passed_and_does_not_depend_on_the_order_of_the_list(
    candidates: list[Candidate],
) -> None:
    found = select(candidates)
    shuffled = sorted(candidates, key=lambda one: one.change.digest if one.change else "")
    again = select(shuffled)
    assert (found.winner, found.num_agreeing, found.reason if found.winner else "") == (
        again.winner,
        again.num_agreeing,
        again.reason if again.winner else "",
    )
    assert (found.winner is not None) == any(one.passed for one in candidates)
    if found.winner is not None:
        assert found.winner.passed
        assert found.winner in candidates
        assert found.num_agreeing >= 1
    assert found.reason


@settings(deadline=None)
@given(lists)
def test_a_failing_candidate_more_changes_nothing(candidates: list[Candidate]) -> None:
    failed = candidate(
        len(candidates), EQUAL, tests=verdict(passed=False, score=0.1, outcome="failed")
    )
    before, after = select(candidates), select([*candidates, failed])
    if before.winner is not None:
        assert after.winner == before.winner
        assert after.reason == before.reason


def test_a_repeated_change_is_no_second_opinion_of_all() -> None:
    repeated = replace(candidate(2, GREATER), duplicate_of=1, verdicts=())
    found = select([candidate(0, EQUAL), candidate(1, GREATER), repeated])
    assert found.winner is not None
    assert found.winner.index == 1
    assert found.reason == "2 of the candidates that passed make the same code"


def test_the_only_one_that_passed_may_have_been_said_twice() -> None:
    repeated = replace(candidate(1, GREATER), duplicate_of=0, verdicts=())
    found = select([candidate(0, GREATER), repeated])
    assert found.reason == "the only candidate that passed"
    assert found.num_agreeing == 2
