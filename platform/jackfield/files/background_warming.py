"""Reading what a collection's first search would wait for, beside everything else that a server does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import structlog

from jackfield.contracts.files import Index
from jackfield.errors import JackfieldError

log = structlog.get_logger()


class BackgroundWarming:
    """Warms each collection once, when it is first opened; no more than one at a time."""

    def __init__(self, index: Callable[[], Index]) -> None:
        self._index = index
        self._opened: set[str] = set()
        self._waiting: asyncio.Queue[str] | None = None

    def opened(self, collection: str) -> None:
        """A collection may soon be searched; does nothing where nobody keeps warming."""
        if self._waiting is not None and collection not in self._opened:
            self._opened.add(collection)
            self._waiting.put_nowait(collection)

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Warming goes on until the block is left."""
        self._waiting = asyncio.Queue()
        task = asyncio.create_task(self._keep(self._waiting), name="background warming")
        try:
            yield
        finally:
            self._waiting = None
            task.cancel()
            await asyncio.wait([task])

    async def _keep(self, waiting: asyncio.Queue[str]) -> None:
        while True:
            collection = await waiting.get()
            try:
                await self._index().warm(collection)
            except JackfieldError as error:
                # Whoever searches there is told of it.
                log.debug("a collection was not warmed", collection=collection, reason=error.message)
            except Exception:
                log.exception("warming failed unexpectedly", collection=collection)
