"""Waiting for a tool, but not for ever."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Coroutine
from typing import Any, TypeVar

import structlog

from jackfield.errors import ToolFailure, ToolTimeout

log = structlog.get_logger()

T = TypeVar("T")

GRACE = 2.0
"""Seconds in which a tool that was cancelled must come to its end."""


class Deadlines:
    """Lets tools work for as long as they may; one that goes on when it is cancelled is left behind, and logged."""

    def __init__(self, grace: float = GRACE) -> None:
        self._grace = grace
        self._abandoned: set[asyncio.Task[Any]] = set()

    async def met(self, work: Awaitable[T], seconds: float, tool: str) -> T:
        """What a tool's work gives or raises; raises ToolTimeout."""
        task = asyncio.create_task(contained(work, tool), name=f"tool {tool}")
        try:
            return await self.met_by(task, seconds, tool)
        except asyncio.CancelledError:
            await self.stop(task, tool)
            raise

    async def met_by(self, task: asyncio.Task[T], seconds: float, tool: str) -> T:
        """What a task that began before gives or raises, `seconds` from now at the latest; raises ToolTimeout.

        It goes on where the caller is cancelled, who then stops it.
        """
        done, _ = await asyncio.wait({task}, timeout=seconds)
        if not done:
            await self.stop(task, tool)
            raise ToolTimeout(f"Tool '{tool}' was stopped: it gave no result within {seconds:g} seconds.")
        if task.cancelled():
            raise ToolFailure(f"Tool '{tool}' cancelled its own work and gave no result.")
        return task.result()

    async def stop(self, task: asyncio.Task[Any], tool: str) -> None:
        """Cancel a task and wait for its end, within the grace."""
        if task in self._abandoned:
            return
        task.cancel()
        try:
            await asyncio.wait({task}, timeout=self._grace)
        finally:
            if not task.done():
                log.warning("a tool goes on though it was cancelled, and is left behind", tool=tool)
                self._abandoned.add(task)
                task.add_done_callback(self._over)
            elif not task.cancelled():
                task.exception()

    async def close(self) -> None:
        """Cancel once more what was left behind; what goes on even then is closed, or the process could not end."""
        for end in (lambda task: task, _closed):
            for task in set(self._abandoned):
                end(task).cancel()
            if self._abandoned:
                await asyncio.wait(set(self._abandoned), timeout=self._grace)

    def _over(self, task: asyncio.Task[Any]) -> None:
        self._abandoned.discard(task)
        if not task.cancelled():
            task.exception()


def _closed(task: asyncio.Task[Any]) -> asyncio.Task[Any]:
    """A task whose coroutine has ended, so that all it can still do is fail."""
    with contextlib.suppress(RuntimeError):  # it ignores even this
        coroutine = task.get_coro()
        if isinstance(coroutine, Coroutine):
            coroutine.close()
    return task


async def contained(work: Awaitable[T], tool: str) -> T:
    """A tool's work, in which nothing is raised that would end more than the tool: an exit, or a library's panic."""
    try:
        return await work
    except (Exception, asyncio.CancelledError, GeneratorExit, KeyboardInterrupt):
        raise
    except BaseException as error:
        raise ToolFailure(f"Tool '{tool}' failed: {type(error).__name__}: {error}") from error
