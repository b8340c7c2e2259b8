"""Finding collections and files within a transaction, and whether they may be changed as somebody wants it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, ScalarSelect, bindparam, select

from jackfield.contracts.files import Actor
from jackfield.errors import CollectionNotFound, FileChanged, FileLocked, FileNotThere, NameTaken
from jackfield.files.paths import parents, path_key
from jackfield_storage.compiled_once import Among, CompiledOnce
from jackfield_storage.semantic_files.rows import COLLECTIONS, FILES
from jackfield_storage.semantic_index.turn import take_turn
from jackfield_storage.tables import CollectionRow, FileRow

_NAMED = COLLECTIONS.where(CollectionRow.name == bindparam("name"))
_COLLECTION = CompiledOnce(_NAMED)
_LOCKED_COLLECTION = CompiledOnce(_NAMED.with_for_update(key_share=True))

_IN_COLLECTION = FileRow.collection_id == bindparam("collection_id")
_THERE = FileRow.deleted_at.is_(None)
_AT_KEY = CompiledOnce(FILES.where(_IN_COLLECTION, _THERE, FileRow.path_key == bindparam("path_key")))
_LAST_DELETED = CompiledOnce(
    FILES.where(_IN_COLLECTION, ~_THERE, FileRow.path == bindparam("path"))
    .order_by(FileRow.deleted_at.desc(), FileRow.id.desc())
    .limit(1)
)
_ABOVE = CompiledOnce(
    select(FileRow.path).where(
        _IN_COLLECTION, _THERE, Among(FileRow.path_key, "keys"), FileRow.id != bindparam("besides")
    )
)
_BELOW = CompiledOnce(
    select(FileRow.path)
    .where(_IN_COLLECTION, _THERE, FileRow.path_key > bindparam("first"), FileRow.path_key < bindparam("last"))
    .where(FileRow.id != bindparam("besides"))
    .limit(1)
)


def collection_named(connection: Connection, name: str) -> Any:
    """A collection's row; raises CollectionNotFound."""
    return _one(_COLLECTION.rows(connection, {"name": name}), name)


def id_of(name: str) -> ScalarSelect[str]:
    """A collection's id within a larger statement, which finds nothing where there is no such collection."""
    return select(CollectionRow.id).where(CollectionRow.name == name).scalar_subquery()


def held_collection(connection: Connection, name: str) -> Any:
    """As `collection_named`, and nobody else changes anything in it before the transaction ends."""
    take_turn(connection)
    return _one(_LOCKED_COLLECTION.rows(connection, {"name": name}), name)


def file_at(connection: Connection, collection: Any, path: str) -> Any | None:
    """The row of the file that is at a path now, in whichever case."""
    rows = _AT_KEY.rows(connection, {"collection_id": collection.id, "path_key": path_key(path)})
    return rows[0] if rows else None


def last_deleted(connection: Connection, collection: Any, path: str) -> Any | None:
    """The row of the file that was deleted last at a path."""
    rows = _LAST_DELETED.rows(connection, {"collection_id": collection.id, "path": path})
    return rows[0] if rows else None


def file_there(connection: Connection, collection: Any, path: str) -> Any:
    """The row of the file at a path; raises FileNotThere, which names what is there in another case, or deleted."""
    row = file_at(connection, collection, path)
    if row is None or row.path != path:
        raise not_there(connection, collection, path, other=row)
    return row


def not_there(connection: Connection, collection: Any, path: str, *, other: Any | None = None) -> FileNotThere:
    """The error for a path without a file."""
    sentence = f"There is no file '{path}' in collection '{collection.name}'"
    if other is not None:
        return FileNotThere(f"{sentence}; there is '{other.path}'.", parameter="path")
    deleted = last_deleted(connection, collection, path)
    if deleted is not None:
        return FileNotThere(
            f"{sentence}: {deleted.author_name} deleted it at {deleted.deleted_at:%Y-%m-%d %H:%M} UTC; "
            "its versions are kept, and it can be brought back.",
            parameter="path",
        )
    if any_below(connection, collection, path):
        return FileNotThere(f"{sentence}, but a folder; name a file in it.", parameter="path")
    return FileNotThere(f"{sentence}.", parameter="path")


def target(connection: Connection, collection: Any, path: str, actor: Actor, expected: int | None) -> Any | None:
    """The row of the file that a write at a path goes on with, which may be a deleted one; None for a new file.

    Raises NameTaken, FileLocked or FileChanged.
    """
    row = file_at(connection, collection, path)
    if row is None:
        _check_way(connection, collection, path)
        if expected:
            raise FileChanged(f"'{path}' is not there any more, and version {expected} was expected.", version=0)
        return last_deleted(connection, collection, path)
    if row.path != path:
        raise _taken(path, row.path)
    check_changeable(row, actor, expected)
    return row


def check_changeable(row: Any, actor: Actor, expected: int | None = None) -> None:
    """Raises FileLocked or FileChanged."""
    holder = lock_holder(row)
    if holder not in (None, actor.id):
        raise FileLocked(
            f"{row.locked_name} holds '{row.path}' until {row.locked_until:%Y-%m-%d %H:%M} UTC; "
            "wait until then, or ask for it to be unlocked.",
            parameter="path",
        )
    if expected is not None and expected != row.version:
        raise FileChanged(
            f"'{row.path}' is at version {row.version}, by {row.author_name}, and {_words(expected)}; "
            "nothing was written. Look at it, and try again.",
            version=row.version,
        )


def lock_holder(row: Any) -> str | None:
    """Who holds a file for themselves now."""
    return row.locked_by if row.locked_by is not None and row.locked_until > datetime.now(UTC) else None


def check_free(connection: Connection, collection: Any, path: str, *, besides: str = "") -> None:
    """Raises NameTaken where something other than one file is at a path, is a folder there, or a file on the way."""
    other = file_at(connection, collection, path)
    if other is not None and other.id != besides:
        raise _taken(path, other.path)
    _check_way(connection, collection, path, besides=besides)


def _check_way(connection: Connection, collection: Any, path: str, *, besides: str = "") -> None:
    """Raises NameTaken where a path is a folder, or a file is on the way to it."""
    key, given = path_key(path), {"collection_id": collection.id, "besides": besides}
    if above := _ABOVE.rows(connection, {**given, "keys": list(parents(key))}):
        raise NameTaken(
            f"'{path}' cannot be in a folder '{above[0].path}', for that is a file; choose another path.",
            parameter="path",
        )
    if below := _BELOW.rows(connection, {**given, **below_bounds(key)}):
        raise NameTaken(f"'{path}' is a folder, with '{below[0].path}' in it; choose another path.", parameter="path")


def any_below(connection: Connection, collection: Any, folder: str) -> bool:
    """Whether there is a file below a path, or anywhere for an empty one."""
    chosen = select(FileRow.id).where(FileRow.collection_id == collection.id, _THERE)
    if folder:
        bounds = below_bounds(folder)
        chosen = chosen.where(FileRow.path > bounds["first"], FileRow.path < bounds["last"])
    return connection.scalar(chosen.limit(1)) is not None


def below_bounds(folder: str) -> dict[str, str]:
    """What every path below a folder is between."""
    return {"first": f"{folder}/", "last": f"{folder}0"}  # 0 follows / in the order of code points


def _one(rows: list[Any], name: str) -> Any:
    if not rows:
        raise CollectionNotFound(f"There is no collection '{name}'.", parameter="collection")
    return rows[0]


def _taken(path: str, there: str) -> NameTaken:
    sentence = (
        f"There is a file '{path}' already; choose another path."
        if path == there
        else f"'{path}' differs from '{there}', which is there, only in case; use that path, or rename it first."
    )
    return NameTaken(sentence, parameter="path")


def _words(expected: int) -> str:
    return f"version {expected} was expected" if expected else "no file was expected there"
