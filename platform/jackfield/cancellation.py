"""What a cancel must not cut in two."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def carried_through(work: Coroutine[Any, Any, T] | asyncio.Future[T]) -> T:
    """What work gives, which a cancel does not cut short: it comes to its end first, and then the cancel is raised.

    Only for work that ends soon by itself, such as writing a record.
    """
    task = asyncio.ensure_future(work)
    cancel: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as error:
            cancel = error
    if cancel:
        raise cancel from (None if task.cancelled() else task.exception())
    return task.result()
