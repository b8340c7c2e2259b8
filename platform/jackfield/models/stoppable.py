"""Blocking work off the event loop that ends when its awaiter is cancelled, before that goes on."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

from jackfield.contracts.sources import Progress

T = TypeVar("T")


async def stoppable(work: Callable[[Progress], T], progress: Progress) -> T:
    """Run work in a thread; once this is cancelled, its next call of the progress raises CancelledError."""
    stopped = threading.Event()

    def report(done: int, total: int | None) -> None:
        if stopped.is_set():
            raise asyncio.CancelledError
        progress(done, total)

    thread = asyncio.ensure_future(asyncio.to_thread(work, report))
    try:
        return await asyncio.shield(thread)
    except asyncio.CancelledError:
        stopped.set()
        await _over(thread)
        raise


async def _over(thread: asyncio.Future[T]) -> None:
    """Wait for a thread to end however often cancelled: what it works on must not be released under it."""
    while not thread.done():
        try:
            await asyncio.wait([thread])
        except asyncio.CancelledError:
            continue
    if not thread.cancelled():
        thread.exception()  # the awaiter was cancelled: how the work ended no longer matters
