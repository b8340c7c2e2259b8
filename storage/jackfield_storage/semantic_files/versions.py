"""Adding versions to files within a transaction: head, version, counts and index together."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection, bindparam, insert, update

from jackfield.contracts.files import Action, Written
from jackfield.files.paths import path_key
from jackfield.identifiers import new_identifier
from jackfield_storage.compiled_once import CompiledOnce
from jackfield_storage.semantic_files.quotas import check_room
from jackfield_storage.semantic_files.rows import VERSIONS, file_by_id, file_version
from jackfield_storage.semantic_files.steps import Step
from jackfield_storage.semantic_index.liveness import moved
from jackfield_storage.tables import CollectionRow, FileRow, FileVersionRow

COUNTED: tuple[Action, ...] = ("written", "appended")
"""Versions that bring bytes; every other has those of an earlier one, which count already."""

_HEAD = ("path", "path_key", "version", "digest", "size", "content_id", "author_id", "author_name", "modified_at")
_ADD_FILE = CompiledOnce(insert(FileRow))
_SET_FILE = CompiledOnce(
    update(FileRow)
    .where(FileRow.id == bindparam("file_id"))
    .values({name: bindparam(f"new_{name}") for name in (*_HEAD, "deleted_at")})
)
_FREE = CompiledOnce(
    update(FileRow)
    .where(FileRow.id == bindparam("file_id"))
    .values(locked_by=None, locked_name=None, locked_until=None)
)
_ADD_VERSION = CompiledOnce(insert(FileVersionRow))
_VERSION = CompiledOnce(
    VERSIONS.where(FileVersionRow.file_id == bindparam("file_id"), FileVersionRow.number == bindparam("number"))
)
_COUNT = CompiledOnce(
    update(CollectionRow)
    .where(CollectionRow.id == bindparam("collection_id"))
    .values(
        used_bytes=CollectionRow.used_bytes + bindparam("more_bytes"),
        files=CollectionRow.files + bindparam("more_files"),
    )
)


class Next(msgspec.Struct, frozen=True, kw_only=True):
    """What a file's next version says; `there` is whether the file then is."""

    action: Action
    path: str
    digest: str
    size: int
    content_id: int | None
    there: bool = True
    restored_from: int | None = None


def version_row(connection: Connection, file_id: str, number: int) -> Any | None:
    """A version's row."""
    rows = _VERSION.rows(connection, {"file_id": file_id, "number": number})
    return rows[0] if rows else None


def unchanged(connection: Connection, file: Any) -> Written:
    """What a change gives that finds everything as it is to be."""
    newest = version_row(connection, file.id, file.version)
    return Written(file=file_by_id(connection, file.id), version=file_version(newest), over=file.version, changed=False)


def add_version(connection: Connection, collection: Any, file: Any | None, after: Next, step: Step) -> Written:
    """Write a file's next version, its first where there is no file; raises StorageFull.

    The collection must be held, so that its counts and the file's row are what they were when they were read.
    """
    more = after.size if after.action in COUNTED else 0
    check_room(collection, more, after.path)
    was_there = file is not None and file.deleted_at is None
    head = _head(file, after, step)
    file_id = _set_head(connection, collection, file, head, there=after.there)
    version = _version(collection, file_id, head, after, step)
    _ADD_VERSION.run(connection, [version])
    count = {"more_bytes": more, "more_files": int(after.there) - int(was_there)}
    if any(count.values()):
        _COUNT.run(connection, [{"collection_id": collection.id, **count}])
    moved(
        connection,
        collection.id,
        file.content_id if file is not None and was_there else None,
        after.content_id if after.there else None,
    )
    added = version_row(connection, file_id, head["version"])
    return Written(
        file=file_by_id(connection, file_id), version=file_version(added), over=0 if file is None else file.version
    )


def _head(file: Any | None, after: Next, step: Step) -> dict[str, Any]:
    """What is new in a file's row; times rise with the numbers of versions, whatever the clock does."""
    now = datetime.now(UTC)
    return {
        "path": after.path,
        "path_key": path_key(after.path),
        "version": 1 if file is None else file.version + 1,
        "digest": after.digest,
        "size": after.size,
        "content_id": after.content_id,
        "author_id": step.actor.id,
        "author_name": step.actor.name,
        "modified_at": now if file is None else max(now, file.modified_at + timedelta(microseconds=1)),
    }


def _set_head(connection: Connection, collection: Any, file: Any | None, head: dict[str, Any], *, there: bool) -> str:
    deleted_at = None if there else head["modified_at"]
    if file is None:
        file_id = new_identifier("file")
        new = {"id": file_id, "collection_id": collection.id, "created_at": head["modified_at"]}
        unlocked = {"locked_by": None, "locked_name": None, "locked_until": None}
        _ADD_FILE.run(connection, [{**head, **new, **unlocked, "deleted_at": deleted_at}])
        return file_id
    changed = {f"new_{name}": value for name, value in {**head, "deleted_at": deleted_at}.items()}
    _SET_FILE.run(connection, [{"file_id": file.id, **changed}])
    if not there:
        _FREE.run(connection, [{"file_id": file.id}])
    return str(file.id)


def _version(collection: Any, file_id: str, head: dict[str, Any], after: Next, step: Step) -> dict[str, Any]:
    same = {name: head[name] for name in ("path", "digest", "size", "content_id", "author_id", "author_name")}
    return {
        **same,
        "file_id": file_id,
        "number": head["version"],
        "collection_id": collection.id,
        "action": after.action,
        "written_at": head["modified_at"],
        "reason": step.reason,
        "restored_from": after.restored_from,
        "change": step.change,
    }
