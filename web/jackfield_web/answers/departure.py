"""Stopping work for clients that hang up."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from litestar.types import Receive

from jackfield_web.errors import ClientGone

T = TypeVar("T")

SOON = 0.05
"""Seconds in which many answers are given, before anybody listens for a client that hangs up."""


async def unless_gone(receive: Receive, work: Coroutine[Any, Any, T]) -> T:
    """What the work yields; if the client hangs up first, the work is cancelled and ClientGone raised.

    The request's body must have been read: what is received from then on can only be the disconnection.
    """
    working = asyncio.create_task(work)
    tasks: set[asyncio.Task[Any]] = {working}
    try:
        if not (await asyncio.wait(tasks, timeout=SOON))[0]:
            tasks.add(asyncio.create_task(_departure(receive)))
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        raise ClientGone
    finally:
        if unfinished := {task for task in tasks if not task.done()}:
            for task in unfinished:
                task.cancel()
            await asyncio.wait(unfinished)


async def _departure(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
