"""Indexing what waits: first the texts, so that all is found by its words, then the vectors."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

import msgspec
import structlog
from sqlalchemy import Connection, text

from jackfield.contracts.files import FileStoreParts, IndexProgress
from jackfield.errors import Unavailable
from jackfield_storage.engine import Database
from jackfield_storage.semantic_index.leases import renewed_meanwhile
from jackfield_storage.semantic_index.pending import (
    Claimed,
    claimed,
    given_back,
    is_waiting,
    kept,
    outdated,
    settled,
)
from jackfield_storage.semantic_index.progress import progress_of
from jackfield_storage.semantic_index.reading import ContentReader, extractor_id
from jackfield_storage.semantic_index.vector_making import VectorMaking

log = structlog.get_logger(__name__)

TOLD_EACH = 0.5
"""Seconds between two reports of progress, which counts everything."""
LOOKED_EACH = 0.5
"""Seconds between two looks at whether another process is done, or dead."""
FEED = 200_000
"""Changes that are kept for caches to follow; one that is further behind is filled anew."""

_PRUNE = text("DELETE FROM index_changes WHERE id <= (SELECT max(id) FROM index_changes) - :most")

Told = Callable[[IndexProgress], None]


class IndexingJob:
    """What `Index.run` does. Any number of processes may do it at once, each something else."""

    def __init__(self, database: Database, parts: FileStoreParts) -> None:
        self._database = database
        self._parts = parts
        self._reader = ContentReader(parts)
        self._looked_for_outdated = False

    async def run(self, progress: Told | None) -> IndexProgress:
        """Until nothing waits, also for what other processes have begun. Loses nothing when it is cancelled."""
        telling = _Telling(self.progress, progress)
        await self._outdated()
        notice = ""
        while True:
            await self._texts(telling)
            notice = await self._vectors(telling)
            if not await self._database.look(is_waiting):
                break
            await asyncio.sleep(LOOKED_EACH)
        await self._database.commit(_pruned)
        done = await self.progress()
        done = msgspec.structs.replace(done, notice=notice or done.notice)
        if progress is not None:
            progress(done)
        return done

    async def progress(self, collection: str | None = None) -> IndexProgress:
        """How far it is."""
        model = await self._parts.embedder.key()
        return await self._database.look(lambda connection: progress_of(connection, model, collection))

    async def _outdated(self) -> None:
        """Once in a process, for its extractors do not change."""
        if not self._looked_for_outdated:
            known = [extractor_id(one) for one in self._parts.extractors]
            await self._database.commit(lambda connection: outdated(connection, known))
            self._looked_for_outdated = True

    async def _texts(self, telling: _Telling) -> None:
        while left := await self._claimed():
            try:
                async with renewed_meanwhile(partial(self._keep, left)):
                    while left:
                        await self._text(left[0])
                        del left[0]
                        await telling.tell()
            finally:
                if left:
                    await self._give_back(left)

    async def _claimed(self) -> list[Claimed]:
        """Contents that are this process's to read, until they are settled or given back."""
        taken: list[Claimed] = []

        def take(connection: Connection) -> None:
            taken[:] = claimed(connection)

        try:
            await self._database.commit(take)
        except asyncio.CancelledError as cancel:
            if taken and cancel.__cause__ is None:  # what was taken is committed in spite of the cancel
                await self._give_back(taken)
            raise
        return taken

    async def _text(self, content: Claimed) -> None:
        read = await self._reader.whole(content.digest, content.filename, content.size)
        await self._database.commit(lambda connection: settled(connection, content, read))

    async def _keep(self, contents: Sequence[Claimed]) -> None:
        ids = [content.id for content in contents]
        await self._database.commit(lambda connection: kept(connection, ids))

    async def _give_back(self, contents: Sequence[Claimed]) -> None:
        ids = [content.id for content in contents]
        await self._database.commit(lambda connection: given_back(connection, ids))

    async def _vectors(self, telling: _Telling) -> str:
        """Make them, or wait until another process has; a sentence where that cannot be."""
        model = await self._parts.embedder.key()
        if model is None:
            return ""
        making = VectorMaking(self._database, self._parts.embedder, model)
        while await making.missing():
            if not await making.lease.taken():
                await telling.tell()
                await asyncio.sleep(LOOKED_EACH)
                continue
            try:
                async with renewed_meanwhile(making.lease.taken):
                    while await making.batch():
                        await telling.tell()
            except Unavailable as error:
                return f"Vectors are still missing: {error.message}"
            finally:
                await making.lease.let_go()
        return f"The model would not take {making.refused} passages; the log says why." if making.refused else ""


class _Telling:
    """Reports progress, not too often."""

    def __init__(self, look: Callable[[], Awaitable[IndexProgress]], told: Told | None) -> None:
        self._look = look
        self._told = told
        self._next = time.monotonic()

    async def tell(self) -> None:
        if self._told is not None and time.monotonic() >= self._next:
            self._told(await self._look())
            self._next = time.monotonic() + TOLD_EACH


def _pruned(connection: Connection) -> None:
    connection.execute(_PRUNE, {"most": FEED})
