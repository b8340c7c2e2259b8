"""Versions and their bytes: which one is meant, and whether the bytes are still what they were."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any

from blake3 import blake3
from sqlalchemy import Connection, bindparam

from jackfield.contracts.files import FileVersion, Point
from jackfield.contracts.uploads import BlobStore
from jackfield.errors import BlobDamaged, NotFound, VersionNotFound
from jackfield_storage.compiled_once import CompiledOnce
from jackfield_storage.semantic_files.heads import file_at, last_deleted, not_there
from jackfield_storage.semantic_files.rows import VERSIONS
from jackfield_storage.semantic_files.versions import version_row
from jackfield_storage.tables import FileVersionRow

CHECKED_FIRST = 8 << 20
"""Bytes up to which a version is checked before any of it is given."""

_AT = CompiledOnce(
    VERSIONS.where(FileVersionRow.file_id == bindparam("file_id"), FileVersionRow.written_at <= bindparam("at"))
    .order_by(FileVersionRow.number.desc())
    .limit(1)
)


def meant_version(connection: Connection, collection: Any, path: str, point: Point) -> Any:
    """The row of the version that is meant; one that is named is found also where its file is deleted.

    Raises FileNotThere or VersionNotFound.
    """
    file = file_at(connection, collection, path)
    other = file if file is not None and file.path != path else None
    if other is not None:
        file = None
    if file is None and (point.number, point.at) != (None, None):
        file = last_deleted(connection, collection, path)
    if file is None:
        raise not_there(connection, collection, path, other=other)
    return version_at(connection, file, point)


def version_at(connection: Connection, file: Any, point: Point) -> Any:
    """The row of a file's version; raises VersionNotFound."""
    if point.at is not None and point.number is None:
        return _version_then(connection, file, point.at)
    number = file.version if point.number is None else point.number
    row = version_row(connection, file.id, number) if 0 < number <= file.version else None
    if row is None:
        raise VersionNotFound(
            f"'{file.path}' has no version {number}; it has 1 to {file.version}.", parameter="version"
        )
    return row


def _version_then(connection: Connection, file: Any, at: datetime) -> Any:
    rows = _AT.rows(connection, {"file_id": file.id, "at": at})
    if rows and rows[0].action != "deleted":
        return rows[0]
    why = (
        f"it was deleted in version {rows[0].number}" if rows else f"its first version is of {_second(file.created_at)}"
    )
    raise VersionNotFound(f"'{file.path}' was not there at {_second(at)}: {why}.", parameter="at")


def _second(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


async def checked_pieces(blobs: BlobStore, version: FileVersion) -> AsyncGenerator[bytes]:
    """A version's bytes; raises BlobDamaged here where they are few, else when the last was given."""
    if version.size <= CHECKED_FIRST:
        return _given([piece async for piece in _checked(blobs, version)])
    async with aclosing(_checked(blobs, version)) as pieces:
        await anext(pieces)
    return _checked(blobs, version)


async def _checked(blobs: BlobStore, version: FileVersion) -> AsyncGenerator[bytes]:
    hasher, size = blake3(), 0
    try:
        async with aclosing(blobs.read(version.digest)) as pieces:
            async for piece in pieces:
                hasher.update(piece)
                size += len(piece)
                yield piece
    except NotFound as error:
        raise _damaged(version, "gone") from error
    if (size, hasher.hexdigest()) != (version.size, version.digest):
        raise _damaged(version, "not what they were")


async def _given(pieces: list[bytes]) -> AsyncGenerator[bytes]:
    for piece in pieces:
        yield piece


def _damaged(version: FileVersion, how: str) -> BlobDamaged:
    return BlobDamaged(
        f"The bytes of version {version.number} of '{version.path}' are {how} in the blob store ({version.digest}); "
        "bring them back from a backup, or go back to another version.",
        told=f"The bytes of version {version.number} of '{version.path}' are {how}; other versions are served.",
    )
