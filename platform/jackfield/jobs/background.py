"""Work that goes on beside everything else until it is closed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

log = structlog.get_logger()

AGAIN_AFTER = 1.0


class Background:
    """Tasks of one event loop; one that fails unexpectedly is told of and begun anew."""

    def __init__(self) -> None:
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Keep some work going."""
        self._tasks.append(asyncio.create_task(_kept(name, work), name=name))

    async def close(self) -> None:
        """Cancel everything and wait for it."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        self._tasks.clear()


async def _kept(name: str, work: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            await work()
            return
        except Exception:
            log.exception("background work failed and begins anew", work=name)
        await asyncio.sleep(AGAIN_AFTER)
