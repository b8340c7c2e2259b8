"""Work that goes on beside everything else until it is closed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

log = structlog.get_logger()

AGAIN_AFTER = 1.0
CANCEL_AGAIN = 0.2


class Background:
    """Tasks of one event loop; one that fails unexpectedly is told of and begun anew."""

    def __init__(self) -> None:
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Keep some work going."""
        self._tasks.append(asyncio.create_task(_kept(name, work), name=name))

    async def close(self) -> None:
        """Cancel everything and wait for it."""
        left = set(self._tasks)
        while left:
            for task in left:
                task.cancel()
            # More than once: in Python 3.11, a cancel can be lost in a library's time limit that ends as it comes.
            _, left = await asyncio.wait(left, timeout=CANCEL_AGAIN)
        self._tasks.clear()


async def _kept(name: str, work: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            await work()
            return
        except Exception:
            log.exception("background work failed and begins anew", work=name)
        await asyncio.sleep(AGAIN_AFTER)
