"""What each change of a file does within its transaction."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from jackfield.contracts.files import Action, Point, Written
from jackfield.errors import FileNotThere
from jackfield_storage.semantic_files.arriving import Arrived
from jackfield_storage.semantic_files.contents import Preparations, content_again, content_of
from jackfield_storage.semantic_files.heads import (
    check_changeable,
    check_free,
    file_at,
    file_there,
    held_collection,
    last_deleted,
    not_there,
    target,
)
from jackfield_storage.semantic_files.reading import version_at
from jackfield_storage.semantic_files.steps import Place
from jackfield_storage.semantic_files.versions import Next, add_version, unchanged


def write(
    connection: Connection, prepared: Preparations, place: Place, arrived: Arrived, action: Action = "written"
) -> Written:
    """A version with bytes that came in; none where they are there already."""
    collection = held_collection(connection, place.collection)
    file = target(connection, collection, place.path, place.step.actor, place.expected)
    if file is not None and file.deleted_at is None and file.digest == arrived.digest:
        return unchanged(connection, file)
    content = content_of(connection, prepared, arrived.digest, place.path, arrived.size)
    after = Next(action=action, path=place.path, digest=arrived.digest, size=arrived.size, content_id=content)
    return add_version(connection, collection, file, after, place.step)


def rollback(connection: Connection, prepared: Preparations, place: Place, point: Point) -> Written:
    """A version with the bytes of an earlier one, under the path of now."""
    collection = held_collection(connection, place.collection)
    file = file_there(connection, collection, place.path)
    check_changeable(file, place.step.actor, place.expected)
    earlier = version_at(connection, file, point)
    if earlier.digest == file.digest:
        return unchanged(connection, file)
    after = Next(
        action="restored",
        path=file.path,
        digest=earlier.digest,
        size=earlier.size,
        content_id=content_again(connection, prepared, earlier, file.path),
        restored_from=earlier.number,
    )
    return add_version(connection, collection, file, after, place.step)


def rename(connection: Connection, prepared: Preparations, place: Place, new_path: str) -> Written:
    """A version under another path."""
    collection = held_collection(connection, place.collection)
    file = file_there(connection, collection, place.path)
    check_changeable(file, place.step.actor)
    if new_path == file.path:
        return unchanged(connection, file)
    check_free(connection, collection, new_path, besides=file.id)
    after = Next(
        action="renamed",
        path=new_path,
        digest=file.digest,
        size=file.size,
        content_id=content_again(connection, prepared, file, new_path),
    )
    return add_version(connection, collection, file, after, place.step)


def delete(connection: Connection, prepared: Preparations, place: Place) -> Written:
    """A version that says the file is gone."""
    collection = held_collection(connection, place.collection)
    file = file_there(connection, collection, place.path)
    check_changeable(file, place.step.actor, place.expected)
    after = Next(
        action="deleted",
        path=file.path,
        digest=file.digest,
        size=file.size,
        content_id=file.content_id,
        there=False,
    )
    return add_version(connection, collection, file, after, place.step)


def undelete(connection: Connection, prepared: Preparations, place: Place, as_path: str) -> Written:
    """A version that says the file deleted last at a path is there again."""
    collection = held_collection(connection, place.collection)
    file = last_deleted(connection, collection, place.path)
    if file is None:
        raise _not_deleted(connection, collection, place.path)
    check_free(connection, collection, as_path)
    after = Next(
        action="undeleted",
        path=as_path,
        digest=file.digest,
        size=file.size,
        content_id=content_again(connection, prepared, file, as_path),
    )
    return add_version(connection, collection, file, after, place.step)


def _not_deleted(connection: Connection, collection: Any, path: str) -> FileNotThere:
    """The error for a path at which no file was deleted."""
    there = file_at(connection, collection, path)
    if there is None or there.path != path:
        return not_there(connection, collection, path, other=there)
    return FileNotThere(
        f"There is no deleted file '{path}': it is there, at version {there.version}; "
        "an older version of it is brought back by a rollback.",
        parameter="path",
    )
