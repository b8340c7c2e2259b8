"""Everything that is being read by clients now, so that a server that stops can end it."""

from __future__ import annotations

import asyncio
from typing import Protocol

from jackfield.errors import JackfieldError, ShuttingDown


class Interruptible(Protocol):
    """Something read by a client."""

    def interrupt(self, error: JackfieldError) -> None: ...


class OpenStreams:
    """What is open; it is told to end when the server stops."""

    def __init__(self) -> None:
        self._streams: set[Interruptible] = set()
        self._empty = asyncio.Event()
        self._empty.set()

    def __len__(self) -> int:
        return len(self._streams)

    def add(self, stream: Interruptible) -> None:
        """Take note of a stream."""
        self._streams.add(stream)
        self._empty.clear()

    def discard(self, stream: Interruptible) -> None:
        """Forget a stream that ended."""
        self._streams.discard(stream)
        if not self._streams:
            self._empty.set()

    async def end(self, *, grace: float) -> None:
        """Let streams finish for `grace` seconds, then interrupt those that are left."""
        try:
            async with asyncio.timeout(grace):
                await self._empty.wait()
        except TimeoutError:
            for stream in list(self._streams):
                stream.interrupt(ShuttingDown("The server is shutting down; ask again in a moment."))
