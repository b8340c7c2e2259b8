"""Forgetting files for good within a transaction: their versions, and what nobody else has of their contents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Connection, delete, exists, func, select, update

from jackfield.errors import Conflict
from jackfield_storage.semantic_files.heads import file_there, held_collection, last_deleted
from jackfield_storage.semantic_files.versions import COUNTED
from jackfield_storage.tables import ChunkRow, CollectionRow, ContentRow, FileRow, FileVersionRow, PassageRow

T = TypeVar("T")

BATCH = 500
"""Values of one statement."""


class Forgotten(msgspec.Struct, frozen=True):
    """What a collection has room for again, in bytes, and the blobs that may now be unused."""

    freed: int
    digests: tuple[str, ...]


def forget_deleted(connection: Connection, collection_name: str, path: str) -> Forgotten:
    """Remove the file that was deleted last at a path; raises Conflict where one is there and none was deleted."""
    collection = held_collection(connection, collection_name)
    file = last_deleted(connection, collection, path)
    if file is None:
        there = file_there(connection, collection, path)
        raise Conflict(f"'{there.path}' is not deleted; delete it first, and then purge it.", parameter="path")
    return forget(connection, collection, [file.id])


def forget(connection: Connection, collection: Any, file_ids: Iterable[str]) -> Forgotten:
    """Remove deleted files of a collection that is held."""
    freed, digests = 0, dict[str, None]()
    for ids in batches(file_ids):
        these = FileVersionRow.file_id.in_(ids)
        counted = select(func.coalesce(func.sum(FileVersionRow.size), 0)).where(
            these, FileVersionRow.action.in_(COUNTED)
        )
        freed += int(connection.scalar(counted) or 0)
        rows = connection.execute(
            select(FileVersionRow.digest, FileVersionRow.content_id).where(these).distinct()
        ).all()
        connection.execute(delete(FileVersionRow).where(these))
        connection.execute(delete(FileRow).where(FileRow.id.in_(ids)))
        digests.update(dict.fromkeys(row.digest for row in rows))
        texts = _forget_contents(connection, sorted({row.content_id for row in rows if row.content_id is not None}))
        digests.update(dict.fromkeys(texts))
    this = update(CollectionRow).where(CollectionRow.id == collection.id)
    connection.execute(this.values(used_bytes=CollectionRow.used_bytes - freed))
    return Forgotten(freed, tuple(digests))


def batches(values: Iterable[T]) -> Iterator[list[T]]:
    """As many as one statement takes, at a time."""
    coming = iter(values)
    while batch := list(islice(coming, BATCH)):
        yield batch


def _forget_contents(connection: Connection, content_ids: Sequence[int]) -> list[str]:
    """Remove contents that no version has any more, and passages that nothing has; the blobs of their texts."""
    texts: list[str] = []
    for ids in batches(content_ids):
        used = exists().where(FileVersionRow.content_id == ContentRow.id)
        gone = connection.execute(
            select(ContentRow.id, ContentRow.text_digest).where(ContentRow.id.in_(ids), ~used)
        ).all()
        texts += [row.text_digest for row in gone if row.text_digest is not None]
        these = [row.id for row in gone]
        held = connection.scalars(select(ChunkRow.passage_id).where(ChunkRow.content_id.in_(these)).distinct()).all()
        connection.execute(delete(ContentRow).where(ContentRow.id.in_(these)))
        for passages in batches(held):
            holds = exists().where(ChunkRow.passage_id == PassageRow.id)
            connection.execute(delete(PassageRow).where(PassageRow.id.in_(passages), ~holds))
    return texts
