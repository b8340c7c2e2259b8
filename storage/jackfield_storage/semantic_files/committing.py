"""Transactions that change files: begun again for a content that must be prepared, or where others got in the way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from jackfield.errors import StateUnavailable
from jackfield_storage.engine import Database
from jackfield_storage.semantic_files.arriving import Arrivals, Arrived
from jackfield_storage.semantic_files.contents import NotPrepared, Preparations
from jackfield_storage.semantic_index.preparing import ContentPreparer

T = TypeVar("T")

TRIES = 5
"""Of a transaction that another one got in the way of."""


class Commits:
    """Changes of files, each committed whole or not at all."""

    def __init__(self, database: Database, preparer: ContentPreparer, arrivals: Arrivals) -> None:
        self._database = database
        self._preparer = preparer
        self._arrivals = arrivals

    async def prepare(self, prepared: Preparations, digest: str, path: str, size: int, *, vectors: bool = True) -> None:
        """Add what the index is to know of some bytes."""
        name = PurePosixPath(path).name
        prepared[digest, path] = await self._preparer.prepare(digest, name, size, vectors=vectors)

    async def change(
        self,
        work: Callable[[Connection, Preparations], T],
        prepared: Preparations | None = None,
        arrived: Arrived | None = None,
    ) -> T:
        """What work gives when it is committed, with every content prepared that it asks for.

        What goes on record has its bytes before it is committed: somebody who wrote the same and failed may have
        removed them, and nobody can from here on.
        """
        prepared = {} if prepared is None else prepared
        loop = asyncio.get_running_loop()

        def whole(connection: Connection) -> T:
            done = work(connection, prepared)
            asyncio.run_coroutine_threadsafe(self._complete(prepared, arrived), loop).result()
            return done

        try:
            while True:
                try:
                    return await self._commit(whole)
                except NotPrepared as wanted:
                    await self.prepare(prepared, wanted.digest, wanted.path, wanted.size)
        except BaseException:
            for one in prepared.values():
                if one.text_digest is not None:
                    await self._arrivals.drop(one.text_digest)
            raise

    async def _complete(self, prepared: Preparations, arrived: Arrived | None) -> None:
        """Raises NotPrepared for a content whose text was removed."""
        if arrived is not None:
            await arrived.put_back()
        for (digest, path), one in prepared.items():
            if one.text_digest is not None and not await self._arrivals.has(one.text_digest):
                raise NotPrepared(digest, path, one.size)

    async def _commit(self, work: Callable[[Connection], T]) -> T:
        for _ in range(TRIES):
            try:
                return await self._database.commit(work, lasts=True)
            except IntegrityError as error:
                clash = error  # another transaction made or removed a row between two statements of this one
        raise StateUnavailable(
            f"{self._database.place} is busy: others changed the same rows {TRIES} times; try again."
        ) from clash
