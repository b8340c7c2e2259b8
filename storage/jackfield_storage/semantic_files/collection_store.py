"""Collections: names, grants, quotas."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from jackfield.contracts.files import Collection, Grant, GrantKind
from jackfield.errors import Conflict, InvalidRequest, NameTaken
from jackfield.files.paths import checked_collection_name
from jackfield.identifiers import new_identifier
from jackfield_storage.compiled_once import CompiledOnce
from jackfield_storage.engine import Database
from jackfield_storage.semantic_files.arriving import Arrivals
from jackfield_storage.semantic_files.forgetting import forget
from jackfield_storage.semantic_files.heads import collection_named, held_collection
from jackfield_storage.semantic_files.rows import COLLECTIONS, COLLECTIONS_WITH_GRANTS, collection, collections
from jackfield_storage.semantic_index.turn import take_turn
from jackfield_storage.tables import CollectionGrantRow, CollectionRow, FileRow

_NAMED = CompiledOnce(COLLECTIONS_WITH_GRANTS.where(CollectionRow.name == bindparam("name")))


class SqlCollections:
    """Implements `jackfield.contracts.files.Collections`."""

    def __init__(self, database: Database, arrivals: Arrivals) -> None:
        self._database = database
        self._arrivals = arrivals

    async def add(self, name: str, *, owner_id: str | None = None, quota_bytes: int | None = None) -> Collection:
        name = checked_collection_name(name)
        row = {
            "id": new_identifier("collection"),
            "name": name,
            "created_at": datetime.now(UTC),
            "owner_id": owner_id,
            "quota_bytes": _checked_quota(quota_bytes),
            "used_bytes": 0,
            "files": 0,
        }

        def work(connection: Connection) -> Collection:
            _check_name_free(connection, name)
            connection.execute(insert(CollectionRow).values(**row))
            return collection(connection, collection_named(connection, name))

        return await self._named(name, work)

    async def get(self, name: str) -> Collection:
        def work(connection: Connection) -> Collection:
            found = collections(_NAMED.rows(connection, {"name": name}))
            return found[0] if found else collection(connection, collection_named(connection, name))

        return await self._database.look(work)

    async def all(self) -> tuple[Collection, ...]:
        def work(connection: Connection) -> tuple[Collection, ...]:
            return collections(connection.execute(COLLECTIONS_WITH_GRANTS))

        return await self._database.look(work)

    async def rename(self, name: str, new_name: str) -> Collection:
        new_name = checked_collection_name(new_name)

        def work(connection: Connection) -> Collection:
            held = held_collection(connection, name)
            _check_name_free(connection, new_name, besides=held.id)
            return _set(connection, held, name=new_name)

        return await self._named(new_name, work)

    async def set_quota(self, name: str, quota_bytes: int | None) -> Collection:
        quota = _checked_quota(quota_bytes)
        return await self._database.commit(
            lambda connection: _set(connection, held_collection(connection, name), quota_bytes=quota)
        )

    async def grant(self, name: str, grant: Grant) -> Collection:
        return await self._database.commit(partial(_regranted, name=name, kind=grant.kind, holder=grant.id, new=grant))

    async def withdraw(self, name: str, kind: GrantKind, holder_id: str = "") -> Collection:
        return await self._database.commit(partial(_regranted, name=name, kind=kind, holder=holder_id, new=None))

    async def remove(self, name: str) -> None:
        await self._arrivals.drop(*await self._database.commit(partial(_removed, name=name)))

    async def _named(self, name: str, work: Callable[[Connection], Collection]) -> Collection:
        try:
            return await self._database.commit(work)
        except IntegrityError as error:
            raise _name_taken(name) from error


def _removed(connection: Connection, name: str) -> tuple[str, ...]:
    """The blobs that may now be unused."""
    held = held_collection(connection, name)
    if held.files:
        raise Conflict(
            f"Collection '{name}' has files ({held.files:,}); delete them first, and then remove the collection, "
            "with every version that was kept in it.",
            parameter="collection",
        )
    ids = list(connection.scalars(select(FileRow.id).where(FileRow.collection_id == held.id)))
    forgotten = forget(connection, held, ids)
    connection.execute(delete(CollectionRow).where(CollectionRow.id == held.id))
    return forgotten.digests


def _set(connection: Connection, held: Any, **values: Any) -> Collection:
    this = CollectionRow.id == held.id
    connection.execute(update(CollectionRow).where(this).values(**values))
    return collection(connection, connection.execute(COLLECTIONS.where(this)).one())


def _regranted(connection: Connection, name: str, kind: GrantKind, holder: str, new: Grant | None) -> Collection:
    held = held_collection(connection, name)
    rows = CollectionGrantRow
    connection.execute(delete(rows).where(rows.collection_id == held.id, rows.kind == kind, rows.holder_id == holder))
    if new is not None:
        connection.execute(insert(rows).values(collection_id=held.id, kind=kind, holder_id=holder, level=new.level))
    return collection(connection, held)


def _check_name_free(connection: Connection, name: str, *, besides: str = "") -> None:
    take_turn(connection)  # no constraint sees names that differ only in case
    rows = connection.execute(select(CollectionRow.name).where(CollectionRow.id != besides))
    other = next((row.name for row in rows if row.name.casefold() == name.casefold()), None)
    if other is not None:
        raise _name_taken(other)


def _name_taken(name: str) -> NameTaken:
    return NameTaken(f"There is a collection '{name}' already; choose another name.", parameter="collection")


def _checked_quota(quota_bytes: int | None) -> int | None:
    if quota_bytes is not None and quota_bytes < 0:
        raise InvalidRequest(
            f"A quota of {quota_bytes} bytes makes no sense; give 0 or more, or none for all there is.",
            parameter="quota_bytes",
        )
    return quota_bytes
