"""Work that a user can stop: Ctrl-C or SIGTERM cancel it, and everything that it started is ended.

The event loop's own way is to cancel one task once, which whatever waits at that moment may
swallow; a cancelled scope stays cancelled.
"""

from __future__ import annotations

import signal
from collections.abc import Awaitable, Callable
from typing import TypeVar, TypeVarTuple, Unpack

import anyio

from agent.groups import single_errors

Result = TypeVar("Result")
Arguments = TypeVarTuple("Arguments")


def run_interruptible(
    work: Callable[[Unpack[Arguments]], Awaitable[Result]], *arguments: *Arguments
) -> Result:
    """Run `work` in an event loop of its own.

    A second signal does not wait for what the first one is ending.

    Raises:
        KeyboardInterrupt: the user stopped it.
    """

    async def main() -> list[Result]:
        results: list[Result] = []
        with single_errors():
            async with anyio.create_task_group() as group:
                group.start_soon(_cancel_on_signal, group.cancel_scope)
                results.append(await work(*arguments))
                group.cancel_scope.cancel()
        return results

    results = anyio.run(main)
    if not results:
        raise KeyboardInterrupt
    return results[0]


async def _cancel_on_signal(scope: anyio.CancelScope) -> None:
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for _ in signals:
            break
    scope.cancel()
