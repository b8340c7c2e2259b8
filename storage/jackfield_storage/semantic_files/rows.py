"""What the tables hold as the contract's structs."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import groupby
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
COLLECTIONS_WITH_GRANTS = (
    select(
        *CollectionRow.__table__.columns,
        CollectionGrantRow.kind.label("grant_kind"),
        CollectionGrantRow.holder_id.label("grant_holder"),
        CollectionGrantRow.level.label("grant_level"),
    )
    .outerjoin(CollectionGrantRow, CollectionGrantRow.collection_id == CollectionRow.id)
    .order_by(CollectionRow.name, CollectionGrantRow.kind, CollectionGrantRow.holder_id)
)
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


def file_row(connection: Connection, file_id: str) -> Any:
    """The row of FILES of a file that is on record for certain."""
    (row,) = _FILE.rows(connection, {"file_id": file_id})
    return row


def file_by_id(connection: Connection, file_id: str) -> StoredFile:
    """A file that is on record for certain."""
    return stored_file(file_row(connection, file_id))


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
    grants = _GRANTS.rows(connection, {"collection_id": row.id})
    return _collection(row, (Grant(kind=grant.kind, id=grant.holder_id, level=grant.level) for grant in grants))


def collections(rows: Iterable[Any]) -> tuple[Collection, ...]:
    """Rows of COLLECTIONS_WITH_GRANTS, of which each collection has one for every grant, or one without."""
    return tuple(_with_its_grants(list(group)) for _, group in groupby(rows, lambda row: row.id))


def _with_its_grants(rows: list[Any]) -> Collection:
    granted = (row for row in rows if row.grant_kind is not None)
    grants = (Grant(kind=row.grant_kind, id=row.grant_holder, level=row.grant_level) for row in granted)
    return _collection(rows[0], grants)


def _collection(row: Any, grants: Iterable[Grant]) -> Collection:
    return Collection(
        id=row.id,
        name=row.name,
        created_at=row.created_at,
        owner_id=row.owner_id,
        quota_bytes=row.quota_bytes,
        used_bytes=row.used_bytes,
        files=row.files,
        grants=tuple(grants),
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
