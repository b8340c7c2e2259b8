"""Indexing what was written and not indexed at once, beside everything else that a server does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import structlog

from jackfield.contracts.files import Index
from jackfield.errors import JackfieldError, MissingDependency, NothingRegistered

log = structlog.get_logger()

PACE = 30.0
"""Seconds until it is looked whether something waits that another process wrote, or that could not be indexed."""


class BackgroundIndexing:
    """Runs the index of one process, once at a time; several processes may each have one."""

    def __init__(self, index: Callable[[], Index]) -> None:
        self._index = index
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Something waits to be indexed; does nothing where nobody keeps indexing."""
        self._woken.set()

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Indexing goes on until the block is left; what was being indexed then goes on where it stood, later."""
        task = asyncio.create_task(self._keep(), name="background indexing")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])

    async def _keep(self) -> None:
        told = ""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(PACE):
                    await self._woken.wait()
            self._woken.clear()
            try:
                await self._index().run()
                told = ""
            except (NothingRegistered, MissingDependency) as error:
                log.debug("there are no semantic files to index", reason=error.message)
                return
            except JackfieldError as error:
                if error.message != told:
                    log.warning("files cannot be indexed now", reason=error.message)
                told = error.message
            except Exception:
                log.exception("indexing failed unexpectedly")
