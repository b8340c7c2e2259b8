"""Writes that are asked for at once, committed together."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from jackfield.errors import StateUnavailable

T = TypeVar("T")

MOST = 128
"""Items of one transaction."""


class GroupedWrites(Generic[T]):
    """While one transaction is committed the next gathers, for a commit waits for the disk and holds its locks.

    `write` is all or nothing. Where it fails, each half of its items is tried alone, so that an item fails for its
    own fault only.
    """

    def __init__(self, write: Callable[[Sequence[T]], Awaitable[None]]) -> None:
        self._write = write
        self._waiting: list[tuple[T, asyncio.Future[None]]] = []
        self._work: asyncio.Task[None] | None = None

    async def put(self, item: T) -> None:
        """Write an item; raises what writing it alone would. After a cancel it is written or it is not."""
        done = asyncio.get_running_loop().create_future()
        self._waiting.append((item, done))
        if self._work is None or self._work.done():
            self._work = asyncio.create_task(self._write_waiting())
        await done

    async def close(self) -> None:
        """Wait until everything is written."""
        if self._work is not None:
            await self._work

    async def _write_waiting(self) -> None:
        while self._waiting:
            group = [(item, done) for item, done in self._waiting[:MOST] if not done.done()]
            del self._waiting[:MOST]
            if group:
                await self._write_group(group)

    async def _write_group(self, group: Sequence[tuple[T, asyncio.Future[None]]]) -> None:
        try:
            await self._write([item for item, _ in group])
        except Exception as error:  # noqa: BLE001 - it is raised where the item was put
            if len(group) == 1 or isinstance(error, StateUnavailable):
                _fail(group, error)
                return
            middle = len(group) // 2
            await self._write_group(group[:middle])
            await self._write_group(group[middle:])
        except asyncio.CancelledError:
            for _, done in (*group, *self._waiting):
                done.cancel()
            raise
        else:
            for _, done in group:
                if not done.done():
                    done.set_result(None)


def _fail(group: Sequence[tuple[T, asyncio.Future[None]]], error: Exception) -> None:
    for _, done in group:
        if not done.done():
            done.set_exception(error)
