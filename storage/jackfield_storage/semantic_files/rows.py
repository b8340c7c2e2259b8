"""What the tables hold as the contract's structs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, bindparam, select

from jackfield.contracts.files import Actor, Collection, FileVersion, Grant, Link, Lock, StoredFile
from jackfield_storage.compiled_once import CompiledOnce
from jackfield_storage.tables import (
    CollectionGrantRow,
    CollectionRow,
    ContentRow,
    FileLinkRow,
    FileRow,
    FileVersionRow,
)

FILES = (
    select(
        *FileRow.__table__.columns,
        CollectionRow.name.label("collection"),
        ContentRow.state.label("index_state"),
        ContentRow.error.label("index_error"),
    )
    .join(CollectionRow, CollectionRow.id == FileRow.collection_id)
    .outerjoin(ContentRow, ContentRow.id == FileRow.content_id)
)
VERSIONS = select(*FileVersionRow.__table__.columns)
COLLECTIONS = select(*CollectionRow.__table__.columns)
LINKS = (
    select(
        *FileLinkRow.__table__.columns,
        CollectionRow.name.label("collection"),
        FileRow.path.label("file_path"),
        FileRow.deleted_at.label("file_deleted_at"),
    )
    .join(CollectionRow, CollectionRow.id == FileLinkRow.collection_id)
    .outerjoin(FileRow, FileRow.id == FileLinkRow.file_id)
)

_FILE = CompiledOnce(FILES.where(FileRow.id == bindparam("file_id")))
_GRANTS = CompiledOnce(
    select(*CollectionGrantRow.__table__.columns)
    .where(CollectionGrantRow.collection_id == bindparam("collection_id"))
    .order_by(CollectionGrantRow.kind, CollectionGrantRow.holder_id)
)


def file_by_id(connection: Connection, file_id: str) -> StoredFile:
    """A file that is there for certain."""
    (row,) = _FILE.rows(connection, {"file_id": file_id})
    return stored_file(row)


def stored_file(row: Any) -> StoredFile:
    """A row of FILES."""
    lock = None
    if row.locked_by is not None and row.locked_until > datetime.now(UTC):
        lock = Lock(by=Actor(id=row.locked_by, name=row.locked_name), until=row.locked_until)
    return StoredFile(
        id=row.id,
        collection=row.collection,
        path=row.path,
        version=row.version,
        digest=row.digest,
        size=row.size,
        author=Actor(id=row.author_id, name=row.author_name),
        created_at=row.created_at,
        modified_at=row.modified_at,
        deleted_at=row.deleted_at,
        lock=lock,
        index=row.index_state or "pending",
        index_error=row.index_error,
    )


def file_version(row: Any) -> FileVersion:
    """A row of VERSIONS."""
    return FileVersion(
        file_id=row.file_id,
        number=row.number,
        path=row.path,
        action=row.action,
        digest=row.digest,
        size=row.size,
        author=Actor(id=row.author_id, name=row.author_name),
        written_at=row.written_at,
        reason=row.reason,
        restored_from=row.restored_from,
        change=row.change,
    )


def collection(connection: Connection, row: Any) -> Collection:
    """A row of COLLECTIONS, with its grants."""
    return Collection(
        id=row.id,
        name=row.name,
        created_at=row.created_at,
        owner_id=row.owner_id,
        quota_bytes=row.quota_bytes,
        used_bytes=row.used_bytes,
        files=row.files,
        grants=tuple(
            Grant(kind=grant.kind, id=grant.holder_id, level=grant.level)
            for grant in _GRANTS.rows(connection, {"collection_id": row.id})
        ),
    )


def link(row: Any) -> Link:
    """A row of LINKS; one of a file goes by what that is called now."""
    return Link(
        id=row.id,
        collection=row.collection,
        path=row.path if row.folder else row.file_path,
        folder=row.folder,
        created_by=Actor(id=row.author_id, name=row.author_name),
        created_at=row.created_at,
        expires_at=row.expires_at,
        version=row.version,
        revoked_at=row.revoked_at,
        uses=row.uses,
    )
