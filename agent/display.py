"""Live progress on standard error: a line per step, and a counter where someone watches."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.status import Status
from rich.text import Text

from agent.levels import PROVED


class Display:
    """Hears of a run and shows it. Where the console is no terminal there is no counter."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._status = Status("starting", console=console)
        self._num_done = 0
        self._num_passed = 0

    def __call__(self, kind: str, facts: Mapping[str, Any]) -> None:
        """Show one event."""
        show = _SHOWN.get(kind)
        if show is not None:
            self._console.print(Text(show(facts)), soft_wrap=True)
        if kind == "candidate.finished":
            self._num_done += 1
            self._num_passed += facts["passed"]
        self._status.update(_STEPS.get(kind, "working").format(self._num_done, self._num_passed))

    def __enter__(self) -> Display:
        if self._console.is_terminal:
            self._status.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._status.stop()


_STEPS = {
    "run.started": "running the tests as they are",
    "baseline.finished": "looking for the fault",
    "localize.finished": "asking the model",
    "candidate.finished": "{} candidates tried, {} passed",
}


def _baseline(facts: Mapping[str, Any]) -> str:
    targets = facts["targets"]
    more = f" and {len(targets) - 3} more" if len(targets) > 3 else ""
    flaky = f", {len(facts['flaky'])} flaky" if facts["flaky"] else ""
    return f"{facts['num_tests']} tests{flaky}; to mend: {', '.join(targets[:3])}{more}"


def _suspects(facts: Mapping[str, Any]) -> str:
    places = [f"{one['place']} {one['suspicion']:.2f}" for one in facts["suspects"][:5]]
    return f"suspicious: {', '.join(places) or 'nothing'}"


def _confirmed(facts: Mapping[str, Any]) -> str:
    if not facts["passed"]:
        return f"candidate {facts['index']} fell when judged from nothing: {facts['outcome']}"
    if facts["level"] in PROVED:
        return f"candidate {facts['index']} confirmed"
    return f"candidate {facts['index']} passed again, which is no more than {facts['level']}"


_SHOWN = {
    "baseline.finished": _baseline,
    "localize.finished": _suspects,
    "confirm.finished": _confirmed,
}
