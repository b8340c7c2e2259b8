"""Holding a file for oneself for a time, and letting it go."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, update

from jackfield.contracts.files import Actor, StoredFile
from jackfield.errors import InvalidRequest
from jackfield_storage.semantic_files.heads import check_changeable, file_there, held_collection
from jackfield_storage.semantic_files.rows import file_by_id
from jackfield_storage.tables import FileRow


def lock(connection: Connection, collection_name: str, path: str, actor: Actor, until: datetime) -> StoredFile:
    """Raises FileLocked where somebody else holds it."""
    file = file_there(connection, held_collection(connection, collection_name), path)
    check_changeable(file, actor)
    if until.tzinfo is not None and until <= datetime.now(UTC):
        raise InvalidRequest("A lock cannot end in the past; give a later time.", parameter="until")
    return _set(connection, file, locked_by=actor.id, locked_name=actor.name, locked_until=until)


def unlock(connection: Connection, collection_name: str, path: str, actor: Actor, *, force: bool) -> StoredFile:
    """Raises FileLocked where somebody else holds it, unless `force`."""
    file = file_there(connection, held_collection(connection, collection_name), path)
    if not force:
        check_changeable(file, actor)
    return _set(connection, file, locked_by=None, locked_name=None, locked_until=None)


def _set(connection: Connection, file: Any, **values: Any) -> StoredFile:
    connection.execute(update(FileRow).where(FileRow.id == file.id).values(**values))
    return file_by_id(connection, file.id)
