"""The events of a run that does several things at once, in one order, for whoever puts them on record."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from jackfield.events import RunEventBody


class EventFlow:
    """Written by the tasks of one run, read by one reader on the same event loop."""

    def __init__(self) -> None:
        self._bodies: asyncio.Queue[tuple[RunEventBody, asyncio.Future[None] | None] | None] = asyncio.Queue()

    def tell(self, body: RunEventBody) -> None:
        """Add an event."""
        self._bodies.put_nowait((body, None))

    async def record(self, body: RunEventBody) -> None:
        """Add an event and wait until its reader has put it on record: what follows from it must not outlive it."""
        recorded: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._bodies.put_nowait((body, recorded))
        await recorded

    async def bodies(self, work: asyncio.Task[None]) -> AsyncGenerator[RunEventBody]:
        """Every event until the work is done; raises what the work raises. Leaving early cancels it."""
        work.add_done_callback(lambda _: self._bodies.put_nowait(None))
        try:
            while told := await self._bodies.get():
                body, recorded = told
                yield body
                if recorded and not recorded.done():
                    recorded.set_result(None)
            await work
        finally:
            if not work.done():
                work.cancel()
                await asyncio.wait([work])
