"""A tool of one's own: a typed function under `@tool` that sees the base tree of the run."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import anyio

from agent import ToolContext, ToolError, tool
from verifiers import Snapshot, take_snapshot

REPOSITORY = Path(__file__).parent / "repositories" / "slots"


@tool(read_only=True, timeout_seconds=10.0)
def callers(context: ToolContext[Any], function: str) -> str:
    """Find the calls of a function; each is shown as `path:line`.

    Args:
        function: its bare name, such as `merge`.
    """
    if not function.isidentifier():
        raise ToolError(f"{function!r} is no name of a function")
    if context.snapshot is None:
        raise ToolError("this run has no repository")
    found = _calls(context.snapshot, function)
    return "\n".join(found) or f"nothing calls {function}"


def _calls(snapshot: Snapshot, function: str) -> list[str]:
    return [
        f"{path}:{node.lineno}"
        for path in snapshot.files
        if path.endswith(".py")
        for node in ast.walk(ast.parse(snapshot.read(path)))
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == function
    ]


async def main() -> None:
    print(json.dumps(callers.spec, indent=2))
    context = ToolContext[Any](snapshot=take_snapshot(REPOSITORY))
    print(await callers.call({"function": "merge"}, context))
    try:
        await callers.call({"function": "merge()"}, context)
    except ToolError as refusal:
        print(f"refused: {refusal}")


if __name__ == "__main__":
    anyio.run(main)
