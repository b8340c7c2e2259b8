"""Semantic files: collections, files, their versions, links, and folders that are kept in step."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from jackfield.contracts.files import Action, GrantKind, Level
from jackfield_storage.tables.columns import ORDERED, Base, UtcTime

_THERE = text("deleted_at IS NULL")


class CollectionRow(Base):
    """Files under one name; `used_bytes` and `files` are kept with every change."""

    __tablename__ = "collections"

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(ORDERED, unique=True)
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    owner_id: Mapped[str | None] = mapped_column(index=True)
    quota_bytes: Mapped[int | None] = mapped_column(BigInteger)
    used_bytes: Mapped[int] = mapped_column(BigInteger)
    files: Mapped[int]


class CollectionGrantRow(Base):
    """What somebody may do in a collection; `holder_id` is empty for everyone."""

    __tablename__ = "collection_grants"

    collection_id: Mapped[str] = mapped_column(ForeignKey("collections.id", ondelete="CASCADE"), primary_key=True)
    kind: Mapped[GrantKind] = mapped_column(String, primary_key=True)
    holder_id: Mapped[str] = mapped_column(primary_key=True)
    level: Mapped[Level] = mapped_column(String)


class FileRow(Base):
    """A file with what its newest version says; `path_key` is its path without regard to case.

    Of files that are deleted, several may have had one path; of those that are there, none.
    """

    __tablename__ = "files"
    __table_args__ = (
        Index(
            "uq_files_collection_id_path_key",
            "collection_id",
            "path_key",
            unique=True,
            # On PostgreSQL, too; to say so here imports SQLAlchemy's dialect for it, in vain for SQLite.
            sqlite_where=_THERE,
        ),
        Index(None, "collection_id", "path"),
        Index(None, "content_id", "deleted_at", "collection_id"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    collection_id: Mapped[str] = mapped_column(ForeignKey("collections.id"))
    path: Mapped[str] = mapped_column(ORDERED)
    path_key: Mapped[str] = mapped_column(ORDERED)
    version: Mapped[int]
    digest: Mapped[str]
    size: Mapped[int] = mapped_column(BigInteger)
    content_id: Mapped[int | None] = mapped_column(ForeignKey("contents.id"))
    author_id: Mapped[str]
    author_name: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    modified_at: Mapped[datetime] = mapped_column(UtcTime)
    deleted_at: Mapped[datetime | None] = mapped_column(UtcTime)
    locked_by: Mapped[str | None]
    locked_name: Mapped[str | None]
    locked_until: Mapped[datetime | None] = mapped_column(UtcTime)


class FileVersionRow(Base):
    """A version of a file; never changed, and removed only with its file."""

    __tablename__ = "file_versions"
    __table_args__ = (Index(None, "collection_id", "written_at"), {"sqlite_with_rowid": False})

    file_id: Mapped[str] = mapped_column(ForeignKey("files.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    collection_id: Mapped[str]
    path: Mapped[str]
    action: Mapped[Action] = mapped_column(String)
    digest: Mapped[str] = mapped_column(index=True)
    size: Mapped[int] = mapped_column(BigInteger)
    content_id: Mapped[int | None] = mapped_column(ForeignKey("contents.id"), index=True)
    author_id: Mapped[str]
    author_name: Mapped[str]
    written_at: Mapped[datetime] = mapped_column(UtcTime)
    reason: Mapped[str]
    restored_from: Mapped[int | None]
    change: Mapped[str] = mapped_column(index=True)


class FileLinkRow(Base):
    """A share link, under the hash of its token."""

    __tablename__ = "file_links"

    id: Mapped[str] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(unique=True)
    collection_id: Mapped[str] = mapped_column(ForeignKey("collections.id", ondelete="CASCADE"), index=True)
    file_id: Mapped[str | None] = mapped_column(ForeignKey("files.id", ondelete="CASCADE"), index=True)
    path: Mapped[str]
    folder: Mapped[bool]
    version: Mapped[int | None]
    author_id: Mapped[str]
    author_name: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcTime)
    uses: Mapped[int]


class WatchRow(Base):
    """A folder of a machine that is kept in step with a collection."""

    __tablename__ = "watches"

    id: Mapped[str] = mapped_column(primary_key=True)
    collection_id: Mapped[str] = mapped_column(ForeignKey("collections.id", ondelete="CASCADE"))
    machine: Mapped[str]
    folder: Mapped[str]
    under: Mapped[str]
    both_ways: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(UtcTime)


class WatchedFileRow(Base):
    """A file of a watched folder as it was when both sides were last in step."""

    __tablename__ = "watched_files"
    __table_args__ = ({"sqlite_with_rowid": False},)

    watch_id: Mapped[str] = mapped_column(ForeignKey("watches.id", ondelete="CASCADE"), primary_key=True)
    path: Mapped[str] = mapped_column(primary_key=True)
    file_id: Mapped[str]
    version: Mapped[int]
    digest: Mapped[str]
    size: Mapped[int] = mapped_column(BigInteger)
    modified_ns: Mapped[int] = mapped_column(BigInteger)
    inode: Mapped[str]
