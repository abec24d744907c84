"""Small projects, suspects and a suite without processes, for the tests of the flow."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path

import anyio

from agent.edits import anchor
from agent.localize import Suspect
from engine import Passage
from verifiers import Baseline, BaseStateError, Change, Failure, Frame, Snapshot, Trace, Verdict

PRICE = '''
    """Prices."""

    LIMIT = 10


    def total(prices, discount=0):
        """Sum of the prices, discount taken off from LIMIT pieces on."""
        amount = sum(prices)
        if len(prices) > LIMIT:
            amount -= discount
        return amount
'''
TESTS = """
    from shop.price import total


    def test_nothing_costs_nothing():
        assert total([]) == 0


    def test_discount_begins_at_the_limit():
        assert total([1] * 10, discount=3) == 7


    def test_few_pieces_cost_in_full():
        assert total([1] * 9, discount=3) == 9
"""
TARGET = "tests/test_price.py::test_discount_begins_at_the_limit"
FAULT = "    if len(prices) > LIMIT:"
FAULT_LINE = 9
RIGHT = "    if len(prices) >= LIMIT:"


def make_project(root: Path, *, price: str = PRICE, tests: str = TESTS) -> Path:
    """A project with one fault and one red test."""
    (root / "shop").mkdir(parents=True)
    (root / "tests").mkdir()
    (root / "shop" / "__init__.py").write_text("")
    (root / "shop" / "price.py").write_text(textwrap.dedent(price).lstrip())
    (root / "tests" / "test_price.py").write_text(textwrap.dedent(tests).lstrip())
    (root / "pyproject.toml").write_text('[tool.pytest.ini_options]\npythonpath = ["."]\n')
    return root


def edit_line(new: str, old: str = FAULT, line: int = FAULT_LINE) -> str:
    """The change stream that replaces one line of the project's module."""
    return f"@@ edit shop/price.py {anchor(line, old)}\n|{new}\n@@ done 1\n"


def make_suspect(name: str, suspicion: float = 0.5, lines: int = 2) -> Suspect:
    """A suspect with a passage of its own."""
    texts = (f"def {name}():", *(f"    return {i}" for i in range(1, lines)))
    passage = Passage(
        path=f"{name}.py",
        lines=texts,
        anchors=tuple(anchor(i, text) for i, text in enumerate(texts, 1)),
        weights=(suspicion,) * lines,
    )
    return Suspect(
        path=f"{name}.py",
        qualname=name,
        first_line=1,
        last_line=lines,
        suspicion=suspicion,
        passage=passage,
    )


def make_baseline(
    outcomes: Mapping[str, str],
    *,
    frames: Mapping[str, tuple[tuple[str, int], ...]] | None = None,
    flaky: frozenset[str] = frozenset(),
) -> Baseline:
    """A baseline whose failed tests are the targets; `frames` are the traceback's places."""
    targets = tuple(test for test, outcome in outcomes.items() if outcome == "failed")
    failures = {
        test: Failure(
            error="AssertionError",
            message="no",
            path="",
            line=0,
            frames=tuple(
                Frame(path=path, line=line, function="f")
                for path, line in (frames or {}).get(test, ())
            ),
        )
        for test in targets
    }
    return Baseline(
        outcomes=outcomes,
        flaky=flaky,
        targets=targets,
        failures=failures,
        places={},
        durations=dict.fromkeys(outcomes, 0.01),
        seconds=0.1,
        warm=True,
    )


class InlineSuite:
    """A `SuiteRunner` whose tests are Python functions of the changed module's text.

    Args:
        judge: the outcome of each test, or one word such as `tampered` for all of them.
        confirms: says whether a change stands when it is judged from nothing.
        seconds: how long one judgement takes.
    """

    name = "tests"

    def __init__(
        self,
        judge: Callable[[str], Mapping[str, str] | str],
        *,
        confirms: Callable[[str], bool] = lambda text: True,
        seconds: Callable[[str], float] = lambda text: 0.0,
    ) -> None:
        self._judge = judge
        self._confirms = confirms
        self._seconds = seconds
        self.judged: list[str] = []
        self.confirmed: list[str] = []
        self.num_running = self.most_running = 0
        self.is_closed = False
        self.baseline = make_baseline({})

    async def prepare(self, snapshot: Snapshot) -> None:
        outcomes = self._judge(snapshot.read("shop/price.py").decode())
        if isinstance(outcomes, str) or "failed" not in outcomes.values():
            raise BaseStateError("every test passes", reason="nothing_red")
        self.baseline = make_baseline(outcomes)

    async def trace(self) -> Trace:
        lines = {"shop/price.py": frozenset({8, 9, 11})}
        return Trace(lines=dict.fromkeys(self.baseline.outcomes, lines))

    async def verify(self, change: Change) -> Verdict:
        text = _text(change)
        self.judged.append(text)
        self.num_running += 1
        self.most_running = max(self.most_running, self.num_running)
        try:
            await anyio.sleep(self._seconds(text))
        finally:
            self.num_running -= 1
        return self._verdict(self._judge(text))

    async def confirm(self, change: Change) -> Verdict:
        text = _text(change)
        self.confirmed.append(text)
        passed = self._confirms(text)
        return Verdict(
            verifier=self.name,
            passed=passed,
            score=float(passed),
            outcome="passed" if passed else "failed",
            level="confirmed",
            tests=dict.fromkeys(self.baseline.outcomes, "passed"),
        )

    async def aclose(self) -> None:
        self.is_closed = True

    def _verdict(self, outcomes: Mapping[str, str] | str) -> Verdict:
        if isinstance(outcomes, str):
            return Verdict(verifier=self.name, passed=False, score=0.0, outcome=outcomes)
        share = sum(outcomes[test] == "passed" for test in self.baseline.targets)
        passed = set(outcomes.values()) == {"passed"}
        return Verdict(
            verifier=self.name,
            passed=passed,
            score=share / len(self.baseline.targets) if not passed else 1.0,
            outcome="passed" if passed else "failed",
            level="observed",
            tests=outcomes,
        )


def judge_total(text: str) -> Mapping[str, str]:
    """What the project's tests say of the module."""
    scope: dict[str, object] = {}
    exec(compile(text, "price.py", "exec"), scope)
    total = scope["total"]
    cases = {"nothing": (0, 0), "limit": (10, 7), "few": (9, 9)}
    return {
        name: "passed" if callable(total) and total([1] * n, discount=3) == wanted else "failed"
        for name, (n, wanted) in {**cases, "nothing": (0, 0)}.items()
    }


def _text(change: Change) -> str:
    (file,) = change.files.values()
    return (file.after or b"").decode()
