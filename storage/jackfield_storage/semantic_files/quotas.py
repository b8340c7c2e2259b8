"""How much room a collection has, before bytes come in, while they do, and when they are put on record."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable
from typing import Any

import msgspec
from sqlalchemy import Connection

from jackfield.errors import StorageFull
from jackfield.quantities import readable_bytes
from jackfield_storage.semantic_files.heads import collection_named, target
from jackfield_storage.semantic_files.steps import Place


class RoomBefore(msgspec.Struct, frozen=True, kw_only=True):
    """What was at a path before a write, and how many bytes may come in; None for as many as there are.

    The bytes that are there already may come again, for they make no version.
    """

    collection: Any
    path: str
    digest: str | None = None
    most: int | None = None


def room_before(connection: Connection, place: Place) -> RoomBefore:
    """Raises what the write would, before any byte has come in."""
    collection = collection_named(connection, place.collection)
    file = target(connection, collection, place.path, place.step.actor, place.expected)
    there = file if file is not None and file.deleted_at is None else None
    most = None
    if collection.quota_bytes is not None:
        most = max(collection.quota_bytes - collection.used_bytes, there.size if there else 0)
    return RoomBefore(collection=collection, path=place.path, digest=there.digest if there else None, most=most)


async def within(before: RoomBefore, chunks: AsyncIterable[bytes]) -> AsyncGenerator[bytes]:
    """Bytes as they come in; raises StorageFull as soon as there are too many."""
    size = 0
    async for chunk in chunks:
        size += len(chunk)
        if before.most is not None and size > before.most:
            check_room(before.collection, size, before.path, at_least=True)
        yield chunk


def check_room(collection: Any, more: int, path: str, *, at_least: bool = False) -> None:
    """Raises StorageFull where a collection has no room for more bytes, or for more than so many."""
    quota, used = collection.quota_bytes, collection.used_bytes
    if more and quota is not None and used + more > quota:
        raise StorageFull(
            f"'{path}' needs {'at least ' if at_least else ''}{readable_bytes(more)}, and collection "
            f"'{collection.name}' has {readable_bytes(max(quota - used, 0))} left of {readable_bytes(quota)}: "
            f"{readable_bytes(used)} are used, every version counted. Purge deleted files, or have its quota raised.",
            parameter="path",
        )
