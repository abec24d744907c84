from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest

from agent.best_of import Agent
from agent.errors import ConfigError
from agent.formats import get_format
from agent.limits import Limits
from agent.types import Run, Task, ToolCall
from engine import ContextError, EngineError, Sample, SampleRequest, ScriptedEngine
from tests.agent.projects import (
    FAULT,
    PRICE,
    RIGHT,
    TARGET,
    InlineSuite,
    edit_line,
    judge_total,
    make_project,
)
from verifiers import BaseStateError, SandboxError

pytestmark = pytest.mark.anyio

WRONG = "    if len(prices) < LIMIT:"
OTHER = "    if len(prices) > LIMIT - 1:"
SLOW = "    if not prices:"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return make_project(tmp_path / "project")


def agent_of(
    texts: list[str] | Callable[[SampleRequest], list[str | Sample]],
    suite: InlineSuite | None = None,
    **limits: Any,
) -> Agent:
    return Agent(
        ScriptedEngine(texts),
        tests=suite or InlineSuite(judge_total),
        limits=Limits(**{"max_suspects": 1, "verify_workers": 2, **limits}),
    )


async def run(agent: Agent, project: Path) -> Run:
    with anyio.fail_after(30):
        return await agent.run(Task(repo=project))


async def test_the_change_that_passes_wins_and_is_confirmed(project: Path) -> None:
    before = (project / "shop" / "price.py").read_bytes()
    suite = InlineSuite(judge_total)
    done = await run(agent_of([edit_line(WRONG), edit_line(RIGHT)], suite), project)
    assert done.outcome == "winner"
    assert done.winner is not None
    assert done.winner.index == 1
    assert done.winner.passed
    assert done.winner.verdicts[-1].level == "confirmed"
    assert [one.index for one in done.candidates] == [0, 1]
    assert done.candidates[1] == done.winner
    assert not done.candidates[0].passed
    assert done.winner.change is not None
    assert f"+{RIGHT}" in done.winner.change.patch()
    assert set(done.seconds) == {*("baseline", "localize", "sample", "verify", "confirm", "total")}
    assert done.manifest["engine"]["name"] == "scripted"
    assert (project / "shop" / "price.py").read_bytes() == before
    assert not suite.is_closed  # who made it closes it


async def test_bad_answers_are_candidates_with_a_fault(project: Path) -> None:
    texts = [
        "",
        "I think that the limit is wrong.",
        edit_line(RIGHT, old="another line"),
        edit_line(FAULT),
        "@@ edit ../x.py 1#aa\n|x\n@@ done 1\n",
        edit_line(RIGHT),
    ]
    done = await run(agent_of(texts), project)
    assert done.outcome == "winner"
    assert [one.fault is not None for one in done.candidates] == [True] * 5 + [False]
    assert "no answer" in str(done.candidates[0].fault)
    assert "changes nothing" in str(done.candidates[3].fault)


async def test_identical_changes_are_judged_once(project: Path) -> None:
    suite = InlineSuite(judge_total)
    done = await run(agent_of([edit_line(WRONG)] * 5 + [edit_line(RIGHT)] * 3, suite), project)
    assert len(suite.judged) == 2
    assert [one.duplicate_of for one in done.candidates] == [None, 0, 0, 0, 0, None, 5, 5]
    assert done.selection.num_agreeing == 3


async def test_code_that_does_not_parse_never_reaches_the_tests(project: Path) -> None:
    suite = InlineSuite(judge_total)
    done = await run(agent_of([edit_line("    if len(:")], suite), project)
    assert done.outcome == "none"
    assert suite.judged == []
    assert "not valid code" in done.selection.reason


async def test_none_proved_is_an_outcome_with_the_closest_described(project: Path) -> None:
    def halves(text: str) -> Mapping[str, str]:
        outcomes = dict(judge_total(text))
        return {**outcomes, "also": "passed" if WRONG in text else "failed"}

    done = await run(agent_of([edit_line(WRONG), edit_line(SLOW)], InlineSuite(halves)), project)
    assert done.outcome == "none"
    assert done.winner is None
    assert done.selection.best_partial is not None
    assert done.selection.best_partial.index == 0
    assert "none of 2 candidates passed" in done.selection.reason


async def test_a_finalist_that_falls_gives_way_to_the_next(project: Path) -> None:
    suite = InlineSuite(judge_total, confirms=lambda text: RIGHT in text)
    done = await run(agent_of([edit_line(OTHER), edit_line(RIGHT)], suite), project)
    assert done.outcome == "winner"
    assert done.winner is not None
    assert done.winner.index == 1
    assert len(suite.confirmed) == 2
    assert not done.candidates[0].passed


async def test_where_all_finalists_fall_none_is_proved(project: Path) -> None:
    suite = InlineSuite(judge_total, confirms=lambda text: False)
    texts = [edit_line(OTHER), edit_line(RIGHT)]
    done = await run(agent_of(texts, suite, max_confirmations=1), project)
    assert done.outcome == "none"
    assert len(suite.confirmed) == 1
    assert "judged from nothing" in done.selection.reason


async def test_all_tampered_is_an_outcome_of_its_own(project: Path) -> None:
    def tampered(text: str) -> Mapping[str, str] | str:
        return judge_total(text) if FAULT in text else "tampered"

    done = await run(agent_of([edit_line(WRONG), edit_line(SLOW)], InlineSuite(tampered)), project)
    assert done.outcome == "tampered"


async def test_it_stops_soon_after_the_first_that_passes(project: Path) -> None:
    def rows(request: SampleRequest) -> list[str | Sample]:
        wrong: list[str | Sample] = [edit_line(f"{WRONG}  # {i}") for i in range(200)]
        return [*wrong[:5], edit_line(RIGHT), *wrong[5:]]

    suite = InlineSuite(judge_total)
    done = await run(agent_of(rows, suite, grace_candidates=3), project)
    assert [one.index for one in done.candidates] == list(range(9))
    assert len(suite.judged) <= 11


async def test_slow_candidates_do_not_hold_up_a_winner(project: Path) -> None:
    suite = InlineSuite(judge_total, seconds=lambda text: 60.0 if SLOW in text else 0.0)
    texts = [edit_line(SLOW), edit_line(RIGHT)]
    done = await run(agent_of(texts, suite, grace_seconds=0.05), project)
    assert done.outcome == "winner"


async def test_results_do_not_depend_on_how_long_judging_takes(project: Path) -> None:
    texts = [edit_line(f"{line}  # {i}") for i, line in enumerate([WRONG, OTHER, RIGHT, SLOW] * 4)]
    seen = []
    for pause in (0.0, 0.02):
        suite = InlineSuite(judge_total, seconds=lambda text, pause=pause: len(text) % 3 * pause)  # type: ignore[misc]
        done = await run(agent_of(texts, suite, grace_candidates=4), project)
        seen.append([(one.index, one.passed) for one in done.candidates])
        assert done.winner is not None
    assert seen[0] == seen[1]
    assert [index for index, _ in seen[0]] == list(range(6))


async def test_no_more_are_judged_at_a_time_than_there_are_workers(project: Path) -> None:
    suite = InlineSuite(judge_total, seconds=lambda text: 0.1)
    agent = agent_of([edit_line(f"{WRONG}  # {i}") for i in range(9)], suite, verify_workers=3)
    agent.verifiers = []
    await run(agent, project)
    assert suite.most_running == 3


async def test_the_time_limit_is_its_own_outcome(project: Path) -> None:
    suite = InlineSuite(judge_total, seconds=lambda text: 60.0)
    done = await run(agent_of([edit_line(WRONG)], suite, seconds=0.3), project)
    assert done.outcome == "budget"
    assert "0.3 s" in done.selection.reason


async def test_samples_that_run_out_are_no_limit_hit(project: Path) -> None:
    done = await run(agent_of([edit_line(WRONG)] * 9, max_samples=4), project)
    assert done.outcome == "none"
    assert len(done.candidates) == 4


async def test_a_green_base_raises(project: Path) -> None:
    (project / "shop" / "price.py").write_text(PRICE.replace("> LIMIT", ">= LIMIT"))
    suite = InlineSuite(lambda text: {"limit": "passed"})
    with pytest.raises(BaseStateError, match="passes"):
        await run(agent_of([], suite), project)


async def test_a_function_too_long_for_the_model_is_said(project: Path) -> None:
    def refuse(request: SampleRequest) -> list[str | Sample]:
        raise ContextError(900, 512, "the function")

    done = await run(agent_of(refuse), project)
    assert done.outcome == "none"
    assert "too long for the model's context" in done.selection.reason
    assert done.notes


@pytest.mark.parametrize("error", [EngineError("broken"), SandboxError("no namespaces")])
async def test_what_breaks_the_run_is_raised_as_it_is(project: Path, error: Exception) -> None:
    def rows(request: SampleRequest) -> list[str | Sample]:
        if isinstance(error, EngineError):
            raise error
        return [edit_line(WRONG)]

    def judge(text: str) -> Mapping[str, str]:
        if FAULT not in text:
            raise error
        return judge_total(text)

    with pytest.raises(type(error), match=str(error)):
        await run(agent_of(rows, InlineSuite(judge)), project)


async def test_cancelling_leaves_the_tree_and_frees_the_engine(project: Path) -> None:
    suite = InlineSuite(judge_total, seconds=lambda text: 60.0)
    agent = agent_of([edit_line(WRONG)], suite)
    with anyio.move_on_after(0.3) as scope:
        await agent.run(Task(repo=project))
    assert scope.cancelled_caught
    assert suite.num_running == 0


async def test_another_format_and_a_verifier_of_ones_own(project: Path) -> None:
    hermes = get_format("hermes")
    call = ToolCall(name="edit", arguments={"changes": edit_line(RIGHT)})

    class Refuser(InlineSuite):
        name = "own"

        async def prepare(self, snapshot: object) -> None:
            pass

    agent = Agent(
        ScriptedEngine([hermes.render([call])]),
        tests=InlineSuite(judge_total),
        verifiers=[Refuser(lambda text: "invalid")],
        call_format=hermes,
    )
    done = await run(agent, project)
    assert done.outcome == "none"
    assert [one.verifier for one in done.candidates[0].verdicts] == ["own"]
    agent.verifiers = []
    assert (await run(agent, project)).outcome == "winner"


async def test_events_tell_the_story_in_order(project: Path) -> None:
    heard: list[tuple[str, Mapping[str, Any]]] = []
    agent = agent_of([edit_line(RIGHT)])
    agent.hear = lambda kind, facts: heard.append((kind, facts))
    await run(agent, project)
    assert [kind for kind, _ in heard] == [
        "run.started",
        "baseline.finished",
        "localize.finished",
        "candidate.finished",
        "confirm.finished",
        "run.finished",
    ]
    assert json.loads(json.dumps([facts for _, facts in heard])) == [facts for _, facts in heard]


async def test_what_is_asked_names_the_function_and_the_failure(project: Path) -> None:
    engine = ScriptedEngine([edit_line(RIGHT)])
    agent = Agent(engine, tests=InlineSuite(judge_total), seed=7)
    await agent.run(Task(repo=project, instructions="Mind the limit."))
    request = engine.requests[0]
    assert request.seed == 7
    assert request.passage is not None
    assert request.passage.lines[0].startswith("def total(")
    assert request.passage.weights[request.passage.lines.index(FAULT)] > 0.5
    assert set(request.sources) == {"sampled", "infilled", "enumerated"}
    words = request.messages[1].content
    assert "Mind the limit." in words
    assert "limit fails" in words
    assert "shop/price.py" in words
    assert request.canvas is not None


def test_run_sync_proves_a_change_by_the_projects_own_tests(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project")
    agent = Agent(ScriptedEngine([edit_line(WRONG), edit_line(RIGHT)]))
    done = agent.run_sync(Task(repo=project, targets=(TARGET,)))
    assert done.outcome == "winner"
    assert done.winner is not None
    assert done.winner.verdicts[-1].level == "confirmed"
    assert done.winner.verdicts[-1].tests[TARGET] == "passed"


@pytest.mark.parametrize(
    "bad", [{"max_samples": 0}, {"seconds": 0.0}, {"verify_workers": 0}, {"grace_seconds": -1.0}]
)
def test_limits_refuse_nonsense(bad: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=next(iter(bad))):
        Limits(**bad)
    assert replace(Limits(), max_samples=1).max_samples == 1
