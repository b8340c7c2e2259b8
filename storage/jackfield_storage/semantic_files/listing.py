"""Looking files up within a transaction: one, a page of them, their versions."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, exists, tuple_
from sqlalchemy.orm import aliased

from jackfield.contracts.files import FileVersion, StoredFile
from jackfield_storage.semantic_files.heads import (
    below_bounds,
    collection_named,
    file_at,
    id_of,
    last_deleted,
    not_there,
)
from jackfield_storage.semantic_files.rows import FILES, VERSIONS, file_version, stored_file
from jackfield_storage.tables import FileRow, FileVersionRow

_LATER = aliased(FileRow)
_DELETED_LAST = FileRow.deleted_at.is_not(None) & ~exists().where(
    _LATER.collection_id == FileRow.collection_id,
    _LATER.path == FileRow.path,
    tuple_(_LATER.deleted_at, _LATER.id) > tuple_(FileRow.deleted_at, FileRow.id),
)


def found_file(connection: Connection, collection_name: str, path: str, *, deleted: bool) -> Any:
    """The row of the file at a path, or with `deleted` the one that was deleted last there where none is."""
    collection = collection_named(connection, collection_name)
    there = file_at(connection, collection, path)
    if there is not None and there.path == path:
        return there
    gone = last_deleted(connection, collection, path) if deleted else None
    if gone is None:
        raise not_there(connection, collection, path, other=there)
    return gone


def page(
    connection: Connection, collection_name: str, *, under: str, deleted: bool, limit: int, after: str
) -> tuple[StoredFile, ...]:
    """Files below a path, behind another; with `deleted` those that were deleted last at their paths."""
    chosen = FILES.where(FileRow.collection_id == id_of(collection_name), FileRow.path > after)
    if under:
        bounds = below_bounds(under)
        chosen = chosen.where(FileRow.path > bounds["first"], FileRow.path < bounds["last"])
    chosen = chosen.where(_DELETED_LAST if deleted else FileRow.deleted_at.is_(None))
    files = tuple(map(stored_file, connection.execute(chosen.order_by(FileRow.path).limit(limit))))
    return files or _nothing_in(connection, collection_name)


def history(connection: Connection, collection_name: str, path: str, *, deleted: bool) -> tuple[FileVersion, ...]:
    """A file's versions, oldest first."""
    file = found_file(connection, collection_name, path, deleted=deleted)
    chosen = VERSIONS.where(FileVersionRow.file_id == file.id).order_by(FileVersionRow.number)
    return tuple(map(file_version, connection.execute(chosen)))


def changes(
    connection: Connection, collection_name: str, *, since: datetime | None, limit: int
) -> tuple[FileVersion, ...]:
    """Versions of all files, newest first."""
    chosen = VERSIONS.where(FileVersionRow.collection_id == id_of(collection_name))
    if since is not None:
        chosen = chosen.where(FileVersionRow.written_at >= since)
    newest = chosen.order_by(
        FileVersionRow.written_at.desc(), FileVersionRow.file_id.desc(), FileVersionRow.number.desc()
    )
    versions = tuple(map(file_version, connection.execute(newest.limit(limit))))
    return versions or _nothing_in(connection, collection_name)


def _nothing_in(connection: Connection, collection_name: str) -> tuple[()]:
    """Raises CollectionNotFound where there is nothing since there is no such collection."""
    collection_named(connection, collection_name)
    return ()
