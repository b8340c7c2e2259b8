"""What many ask for at the same moment, looked up once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class SharedLookups(Generic[T]):
    """Look-ups under way by their keys. Usable from one event loop; nothing is kept once a look-up is done."""

    def __init__(self) -> None:
        self._under_way: dict[str, asyncio.Task[T]] = {}

    async def get(self, key: str, look_up: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """What the look-up of a key gives or raises; one that is under way is waited for instead of begun again."""
        task = self._under_way.get(key)
        if task is None:
            task = self._under_way[key] = asyncio.create_task(look_up(), name=f"look up {key}")
            task.add_done_callback(lambda done: self._done(key, done))
        return await asyncio.shield(task)

    def _done(self, key: str, task: asyncio.Task[T]) -> None:
        del self._under_way[key]
        if not task.cancelled():
            task.exception()
