"""Files: every change is a version, its index and its counts in one transaction."""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable
from datetime import datetime
from functools import partial
from pathlib import PurePosixPath
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from jackfield.contracts.files import (
    NEWEST,
    Actor,
    FileStoreParts,
    FileVersion,
    OpenVersion,
    Point,
    StoredFile,
    Written,
)
from jackfield.errors import StateUnavailable
from jackfield.files.paths import checked_folder, checked_path
from jackfield_storage.engine import Database
from jackfield_storage.semantic_files import changing, listing
from jackfield_storage.semantic_files.arriving import Arrivals
from jackfield_storage.semantic_files.changing import Place
from jackfield_storage.semantic_files.contents import NotPrepared, Preparations
from jackfield_storage.semantic_files.heads import collection_named
from jackfield_storage.semantic_files.quotas import room_before, within
from jackfield_storage.semantic_files.reading import checked_pieces, meant_version
from jackfield_storage.semantic_files.rows import file_version, stored_file
from jackfield_storage.semantic_files.versions import Step
from jackfield_storage.semantic_index.preparing import ContentPreparer

T = TypeVar("T")

TRIES = 5
"""Of a transaction that another one got in the way of."""


class SqlFiles:
    """Implements `jackfield.contracts.files.Files`."""

    def __init__(self, database: Database, parts: FileStoreParts, preparer: ContentPreparer) -> None:
        self._database = database
        self._blobs = parts.blobs
        self._largest = parts.largest
        self._preparer = preparer
        self._arrivals = Arrivals(database, parts.blobs)

    async def write(
        self,
        collection: str,
        path: str,
        chunks: AsyncIterable[bytes],
        *,
        actor: Actor,
        reason: str = "",
        expected: int | None = None,
        change: str = "",
    ) -> Written:
        step = Step(actor=actor, reason=reason, change=change)
        place = Place(collection=collection, path=checked_path(path), step=step, expected=expected)
        before = await self._database.look(
            partial(room_before, collection_name=collection, path=place.path, actor=actor, expected=expected)
        )
        async with self._arrivals.of(within(before, chunks), most=self._largest) as arrived:
            prepared: Preparations = {}
            if arrived.digest != before.digest:
                await self._prepare(prepared, arrived.digest, place.path, arrived.size)
            return await self._changed(partial(changing.write, place=place, arrived=arrived), prepared)

    async def read(self, collection: str, path: str, point: Point = NEWEST) -> OpenVersion:
        path = checked_path(path)

        def found(connection: Connection) -> FileVersion:
            row = meant_version(connection, collection_named(connection, collection), path, point)
            return file_version(row)

        version = await self._database.look(found)
        return OpenVersion(version=version, pieces=await checked_pieces(self._blobs, version))

    async def look(self, collection: str, path: str, *, deleted: bool = False) -> StoredFile:
        found = partial(listing.found_file, collection_name=collection, path=checked_path(path), deleted=deleted)
        return stored_file(await self._database.look(found))

    async def page(
        self, collection: str, *, under: str = "", deleted: bool = False, limit: int = 1000, after: str = ""
    ) -> tuple[StoredFile, ...]:
        under = checked_folder(under)
        return await self._database.look(
            partial(listing.page, collection_name=collection, under=under, deleted=deleted, limit=limit, after=after)
        )

    async def history(self, collection: str, path: str, *, deleted: bool = False) -> tuple[FileVersion, ...]:
        path = checked_path(path)
        return await self._database.look(
            partial(listing.history, collection_name=collection, path=path, deleted=deleted)
        )

    async def changes(
        self, collection: str, *, since: datetime | None = None, limit: int = 100
    ) -> tuple[FileVersion, ...]:
        return await self._database.look(partial(listing.changes, collection_name=collection, since=since, limit=limit))

    async def rollback(
        self,
        collection: str,
        path: str,
        point: Point,
        *,
        actor: Actor,
        reason: str = "",
        expected: int | None = None,
        change: str = "",
    ) -> Written:
        step = Step(actor=actor, reason=reason, change=change)
        place = Place(collection=collection, path=checked_path(path), step=step, expected=expected)
        return await self._changed(partial(changing.rollback, place=place, point=point))

    async def rename(
        self, collection: str, path: str, new_path: str, *, actor: Actor, reason: str = "", change: str = ""
    ) -> Written:
        step = Step(actor=actor, reason=reason, change=change)
        place = Place(collection=collection, path=checked_path(path), step=step)
        return await self._changed(partial(changing.rename, place=place, new_path=checked_path(new_path)))

    async def delete(
        self,
        collection: str,
        path: str,
        *,
        actor: Actor,
        reason: str = "",
        expected: int | None = None,
        change: str = "",
    ) -> Written:
        step = Step(actor=actor, reason=reason, change=change)
        place = Place(collection=collection, path=checked_path(path), step=step, expected=expected)
        return await self._changed(partial(changing.delete, place=place))

    async def undelete(
        self,
        collection: str,
        path: str,
        *,
        actor: Actor,
        as_path: str | None = None,
        reason: str = "",
        change: str = "",
    ) -> Written:
        step = Step(actor=actor, reason=reason, change=change)
        place = Place(collection=collection, path=checked_path(path), step=step)
        as_path = place.path if as_path is None else checked_path(as_path)
        return await self._changed(partial(changing.undelete, place=place, as_path=as_path))

    async def _changed(self, work: Callable[[Connection, Preparations], T], prepared: Preparations | None = None) -> T:
        """What work gives when it is committed, with every content prepared that it asks for."""
        prepared = {} if prepared is None else prepared
        try:
            while True:
                try:
                    return await self._committed(partial(work, prepared=prepared))
                except NotPrepared as wanted:
                    await self._prepare(prepared, wanted.digest, wanted.path, wanted.size)
        except BaseException:
            for one in prepared.values():
                if one.text_digest is not None:
                    await self._arrivals.drop(one.text_digest)
            raise

    async def _prepare(self, prepared: Preparations, digest: str, path: str, size: int) -> None:
        name = PurePosixPath(path).name
        prepared[digest, path] = await self._preparer.prepare(digest, name, size)

    async def _committed(self, work: Callable[[Connection], T]) -> T:
        for _ in range(TRIES):
            try:
                return await self._database.commit(work)
            except IntegrityError as error:
                clash = error  # another transaction made or removed a row between two statements of this one
        raise StateUnavailable(
            f"{self._database.place} is busy: others changed the same files {TRIES} times; try again."
        ) from clash
