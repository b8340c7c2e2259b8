"""What a program writes: the beginning is kept, the rest only counted, so that it never waits for a reader."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Self

MOST_KEPT = 48_000
"""Bytes of each output that are kept."""
MOST_WRITTEN = 4 << 20
"""Bytes of one output after which a program is stopped."""
CLOSES_WITHIN = 2.0
"""Seconds in which an output ends once everybody was killed who could write to it."""


class Output(asyncio.Protocol):
    """The reading end of a pipe."""

    def __init__(self, flooded: Callable[[], None]) -> None:
        self._flooded = flooded
        self._ended = asyncio.Event()
        self._transport: asyncio.BaseTransport | None = None
        self.kept = bytearray()
        self.written = 0

    @classmethod
    async def opened(cls, descriptor: int, flooded: Callable[[], None]) -> Self:
        """Read from a descriptor, which is closed at the end; `flooded` is called once far too much was written."""
        output = cls(flooded)
        await asyncio.get_running_loop().connect_read_pipe(lambda: output, os.fdopen(descriptor, "rb", 0))
        return output

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        before, self.written = self.written, self.written + len(data)
        self.kept += data[: MOST_KEPT - len(self.kept)]
        if before <= MOST_WRITTEN < self.written:
            self._flooded()

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended.set()

    async def closed(self) -> None:
        """Read what is left and close."""
        try:
            async with asyncio.timeout(CLOSES_WITHIN):
                await self._ended.wait()
        except TimeoutError:
            if self._transport is not None:
                self._transport.close()
            await self._ended.wait()
