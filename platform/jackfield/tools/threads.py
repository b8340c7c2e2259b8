"""Blocking work in threads that keep no process from ending."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable
from typing import TypeVar

import structlog

from jackfield.errors import ToolFailure

log = structlog.get_logger()

T = TypeVar("T")


async def in_daemon_thread(work: Callable[[], T], tool: str) -> T:
    """What blocking work gives or raises. Cancelled, it waits no longer, and the thread goes on to its end; logged.

    Not `asyncio.to_thread`: its few threads are shared, and a process waits for them when it ends.
    """
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[T] = loop.create_future()
    context = contextvars.copy_context()

    def deliver(settle: Callable[[], None]) -> None:
        if not outcome.done():
            settle()

    def perform() -> None:
        settle: Callable[[], None]
        try:
            result = context.run(work)
            settle = lambda: outcome.set_result(result)  # noqa: E731
        except (
            StopIteration,
            asyncio.CancelledError,
        ) as error:  # a future holds neither as an error
            failure = ToolFailure(f"Tool '{tool}' failed: {type(error).__name__}: {error}")
            settle = lambda: outcome.set_exception(failure)  # noqa: E731
        except BaseException as error:  # noqa: BLE001 passed on to whoever awaits
            raised = error
            settle = lambda: outcome.set_exception(raised)  # noqa: E731
        try:
            loop.call_soon_threadsafe(deliver, settle)
        except RuntimeError:  # the event loop has ended: nobody waits any more
            log.debug("a tool's thread outlived the event loop", tool=tool)

    threading.Thread(target=perform, name=f"tool {tool}", daemon=True).start()
    try:
        return await outcome
    except asyncio.CancelledError:
        log.warning("a tool's thread goes on though its call was cancelled", tool=tool)
        raise
