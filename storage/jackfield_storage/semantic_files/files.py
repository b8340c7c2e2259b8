"""Files: every change is a version, its index and its counts in one transaction."""

from __future__ import annotations

from collections.abc import AsyncIterable
from contextlib import suppress
from datetime import datetime
from functools import partial

from sqlalchemy import Connection

from jackfield.contracts.files import (
    NEWEST,
    Action,
    Actor,
    FileStoreParts,
    FileVersion,
    OpenVersion,
    Point,
    StoredFile,
    Written,
)
from jackfield.errors import FileChanged
from jackfield.files.paths import checked_folder, checked_path
from jackfield.identifiers import new_identifier
from jackfield_storage.engine import Database
from jackfield_storage.semantic_files import changing, listing, locking
from jackfield_storage.semantic_files.appending import Tail, Turns, joined, kept_tail
from jackfield_storage.semantic_files.arriving import Arrivals
from jackfield_storage.semantic_files.committing import Commits
from jackfield_storage.semantic_files.contents import Preparations
from jackfield_storage.semantic_files.forgetting import forget_deleted
from jackfield_storage.semantic_files.heads import collection_named, file_at
from jackfield_storage.semantic_files.quotas import room_before, within
from jackfield_storage.semantic_files.reading import checked_pieces, meant_version
from jackfield_storage.semantic_files.rows import file_version, stored_file
from jackfield_storage.semantic_files.steps import Place, Step
from jackfield_storage.semantic_files.texts import Texts
from jackfield_storage.semantic_files.undoing import undo
from jackfield_storage.semantic_files.versions import version_row
from jackfield_storage.semantic_index.preparing import ContentPreparer


class SqlFiles:
    """Implements `jackfield.contracts.files.Files`."""

    def __init__(
        self, database: Database, parts: FileStoreParts, preparer: ContentPreparer, arrivals: Arrivals
    ) -> None:
        self._database = database
        self._blobs = parts.blobs
        self._largest = parts.largest
        self._arrivals = arrivals
        self._commits = Commits(database, preparer, arrivals)
        self._texts = Texts(database, parts)
        self._turns = Turns()

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
        in_bulk: bool = False,
    ) -> Written:
        step = Step(actor=actor, reason=reason, change=change)
        place = Place(collection=collection, path=checked_path(path), step=step, expected=expected)
        return await self._write(place, chunks, "written", vectors=not in_bulk)

    async def append(
        self,
        collection: str,
        path: str,
        chunks: AsyncIterable[bytes],
        *,
        actor: Actor,
        reason: str = "",
        change: str = "",
    ) -> Written:
        step = Step(actor=actor, reason=reason, change=change)
        path = checked_path(path)
        async with kept_tail(chunks, most=self._largest) as tail, self._turns.of(collection, path):
            while True:
                version = await self._newest(collection, path)
                place = Place(collection=collection, path=path, step=step, expected=version.number if version else 0)
                with suppress(FileChanged):  # another process was first
                    return await self._appended(place, version, tail)

    async def read(self, collection: str, path: str, point: Point = NEWEST) -> OpenVersion:
        path = checked_path(path)

        def found(connection: Connection) -> FileVersion:
            row = meant_version(connection, collection_named(connection, collection), path, point)
            return file_version(row)

        version = await self._database.look(found)
        return OpenVersion(version=version, pieces=await checked_pieces(self._blobs, version))

    async def text(self, collection: str, path: str, point: Point = NEWEST) -> str:
        return await self._texts.of(collection, checked_path(path), point)

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
        return await self._commits.change(partial(changing.rollback, place=place, point=point))

    async def rename(
        self, collection: str, path: str, new_path: str, *, actor: Actor, reason: str = "", change: str = ""
    ) -> Written:
        step = Step(actor=actor, reason=reason, change=change)
        place = Place(collection=collection, path=checked_path(path), step=step)
        return await self._commits.change(partial(changing.rename, place=place, new_path=checked_path(new_path)))

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
        return await self._commits.change(partial(changing.delete, place=place))

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
        return await self._commits.change(partial(changing.undelete, place=place, as_path=as_path))

    async def undo(self, collection: str, change: str, *, actor: Actor, force: bool = False) -> tuple[Written, ...]:
        step = Step(actor=actor, reason=f"undid {change}", change=new_identifier("change"))
        return await self._commits.change(
            partial(undo, collection_name=collection, change=change, step=step, force=force)
        )

    async def lock(self, collection: str, path: str, *, actor: Actor, until: datetime) -> StoredFile:
        return await self._database.commit(
            partial(locking.lock, collection_name=collection, path=checked_path(path), actor=actor, until=until)
        )

    async def unlock(self, collection: str, path: str, *, actor: Actor, force: bool = False) -> StoredFile:
        return await self._database.commit(
            partial(locking.unlock, collection_name=collection, path=checked_path(path), actor=actor, force=force)
        )

    async def purge(self, collection: str, path: str) -> int:
        forgotten = await self._database.commit(
            partial(forget_deleted, collection_name=collection, path=checked_path(path))
        )
        await self._arrivals.drop(*forgotten.digests)
        return forgotten.freed

    async def _newest(self, collection: str, path: str) -> FileVersion | None:
        """The newest version of the file that is at a path now."""

        def found(connection: Connection) -> FileVersion | None:
            file = file_at(connection, collection_named(connection, collection), path)
            row = None if file is None else version_row(connection, file.id, file.version)
            return None if row is None else file_version(row)

        return await self._database.look(found)

    async def _appended(self, place: Place, version: FileVersion | None, tail: Tail) -> Written:
        parts = [] if version is None else [await checked_pieces(self._blobs, version)]
        return await self._write(place, joined(*parts, tail.pieces()), "appended")

    async def _write(
        self, place: Place, chunks: AsyncIterable[bytes], action: Action, *, vectors: bool = True
    ) -> Written:
        before = await self._database.look(partial(room_before, place=place))
        async with self._arrivals.of(within(before, chunks), most=self._largest) as arrived:
            prepared: Preparations = {}
            if arrived.digest != before.digest:
                await self._commits.prepare(prepared, arrived.digest, place.path, arrived.size, vectors=vectors)
            work = partial(changing.write, place=place, arrived=arrived, action=action)
            return await self._commits.change(work, prepared, arrived)
