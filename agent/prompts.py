"""What a model is told in words: the task, what fails, and the lines of a function with anchors.

The shipped model reads the passage alone; models that converse read these messages.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from agent.localize import Suspect
from agent.toolbox import edit
from agent.types import CallFormat, Task
from engine import Message, SampleRequest

if TYPE_CHECKING:
    from verifiers import Failure

_MAX_FAILURES = 3
_MAX_MESSAGE_CHARS = 2000
_SYSTEM = """You repair one function. Answer with a change stream and nothing else:
@@ edit PATH FIRST..LAST   replace these lines by the lines below
@@ insert PATH before|after ANCHOR
@@ delete PATH FIRST..LAST
Every new line begins with `|`. The stream ends with `@@ done N`, N operations. Anchors look like
41#k3 and stand in front of each line that is shown. Tests cannot be changed."""


def build_messages(
    task: Task, suspect: Suspect, failures: Iterable[tuple[str, Failure]]
) -> tuple[Message, ...]:
    """The conversation about one function; `failures` are test ids and what they said."""
    passage = suspect.passage
    numbered = zip(passage.anchors, passage.lines, strict=True)
    parts = [
        task.instructions or "Make the failing tests pass.",
        *[_said(test, failure) for test, failure in failures][:_MAX_FAILURES],
        f"{passage.path}:\n" + "\n".join(f"{anchor}|{line}" for anchor, line in numbered),
    ]
    return (
        Message(role="system", content=_SYSTEM),
        Message(role="user", content="\n\n".join(parts)),
    )


def build_request(
    task: Task,
    suspect: Suspect,
    failures: Iterable[tuple[str, Failure]],
    call_format: CallFormat,
    *,
    n: int,
    seed: int,
) -> SampleRequest:
    """One function put to any engine: in words, as a passage, and with the shape of an answer."""
    return SampleRequest(
        messages=build_messages(task, suspect, failures),
        tools=(edit.spec,),
        n=n,
        seed=seed,
        canvas=call_format.canvas(suspect.path),
        passage=suspect.passage,
        sources=("sampled", "infilled", "enumerated"),
    )


def _said(test: str, failure: Failure) -> str:
    return f"{test} fails:\n{failure.error}: {failure.message}"[:_MAX_MESSAGE_CHARS]
