"""The events of several runs as one stream, in the order they come."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

from jackfield.errors import JackfieldError
from jackfield.events import RunEvent
from jackfield.workbench import Workbench
from jackfield_web.answers.open_streams import OpenStreams


class MergedEvents:
    """Follows any number of runs for one reader. It must be closed, and cancels no run when it is."""

    def __init__(self, workbench: Workbench, open_streams: OpenStreams) -> None:
        self._workbench = workbench
        self._open_streams = open_streams
        self._events: asyncio.Queue[tuple[int, RunEvent | None] | Exception] = asyncio.Queue()
        self._followers: list[asyncio.Task[None]] = []

    def follow(self, index: int, run_id: str, *, after: int = 0) -> None:
        """Read a run's events too, each beside the index given here."""
        self._open_streams.add(self)
        self._followers.append(asyncio.create_task(self._follow(index, run_id, after)))

    async def next(self) -> tuple[int, RunEvent | None]:
        """The next event, None for the end of one run's; raises what following a run raised.

        A wait that is given up loses no event.
        """
        event = await self._events.get()
        if isinstance(event, Exception):
            raise event
        return event

    def interrupt(self, error: JackfieldError) -> None:
        """Make the reader raise an error after the events that have come already."""
        self._events.put_nowait(error)

    async def close(self) -> None:
        """Follow no run any longer; a second call does nothing."""
        self._open_streams.discard(self)
        for follower in self._followers:
            follower.cancel()
        await asyncio.gather(*self._followers, return_exceptions=True)

    async def _follow(self, index: int, run_id: str, after: int) -> None:
        try:
            async with aclosing(self._workbench.watch(run_id, after=after)) as events:
                async for event in events:
                    self._events.put_nowait((index, event))
        except Exception as error:  # noqa: BLE001 - handed over to the reader, which reports it
            self._events.put_nowait(error)
        else:
            self._events.put_nowait((index, None))
