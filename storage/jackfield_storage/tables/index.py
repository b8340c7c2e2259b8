"""What is in files: contents as text, cut into passages, their vectors, and the feed that caches follow.

A content is some bytes as one extractor reads them; it is indexed once, whichever files and versions have it. A passage
is a text that any number of contents may hold, and has one vector per model. `live` and `uses` count the files that
are there whose newest version holds it; only passages in use are found.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, LargeBinary, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from jackfield.contracts.files import IndexState
from jackfield_storage.tables.columns import Base, UtcTime

SERIAL = BigInteger().with_variant(Integer(), "sqlite")
"""Numbers that a database gives out in order; only a plain INTEGER does so in SQLite."""

_OUT_OF_USE = text("live = 0")


class ContentRow(Base):
    """Some bytes as an extractor reads them; `text_digest` is the blob of their text, which may be those bytes."""

    __tablename__ = "contents"
    __table_args__ = (UniqueConstraint("digest", "extractor"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(SERIAL, primary_key=True)
    digest: Mapped[str]
    extractor: Mapped[str]
    size: Mapped[int] = mapped_column(BigInteger)
    filename: Mapped[str]
    state: Mapped[IndexState] = mapped_column(String, index=True)
    error: Mapped[str | None] = mapped_column(Text)
    text_digest: Mapped[str | None] = mapped_column(index=True)
    attempts: Mapped[int]
    leased_until: Mapped[datetime | None] = mapped_column(UtcTime)


class PassageRow(Base):
    """A stretch of text under the hash of its heading and itself; `live` counts the files that hold it now.

    `spaced` is what full text takes of both where they are in a script without spaces between words.
    """

    __tablename__ = "passages"
    __table_args__ = (
        # On PostgreSQL, too; to say so here imports SQLAlchemy's dialect for it, in vain for SQLite.
        Index("ix_passages_out_of_use", "id", sqlite_where=_OUT_OF_USE),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(SERIAL, primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)
    heading: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    spaced: Mapped[str | None] = mapped_column(Text)
    live: Mapped[int]


class ChunkRow(Base):
    """Where a content holds a passage: from byte `start` to before byte `end` of its text."""

    __tablename__ = "chunks"
    __table_args__ = ({"sqlite_with_rowid": False},)

    content_id: Mapped[int] = mapped_column(ForeignKey("contents.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    passage_id: Mapped[int] = mapped_column(ForeignKey("passages.id"), index=True)
    start: Mapped[int] = mapped_column(BigInteger)
    end: Mapped[int] = mapped_column(BigInteger)


class PassageVectorRow(Base):
    """A passage's unit vector under a model, as little-endian 16-bit floats."""

    __tablename__ = "passage_vectors"
    __table_args__ = (Index(None, "model", "passage_id"), {"sqlite_with_rowid": False})

    passage_id: Mapped[int] = mapped_column(ForeignKey("passages.id", ondelete="CASCADE"), primary_key=True)
    model: Mapped[str] = mapped_column(primary_key=True)
    vector: Mapped[bytes] = mapped_column(LargeBinary)


class CollectionPassageRow(Base):
    """How many files of a collection hold a passage now."""

    __tablename__ = "collection_passages"
    __table_args__ = ({"sqlite_with_rowid": False},)

    collection_id: Mapped[str] = mapped_column(ForeignKey("collections.id", ondelete="CASCADE"), primary_key=True)
    passage_id: Mapped[int] = mapped_column(ForeignKey("passages.id"), primary_key=True, index=True)
    uses: Mapped[int]


class IndexChangeRow(Base):
    """The feed: look again whether a passage is in a collection, and what its vector is."""

    __tablename__ = "index_changes"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(SERIAL, primary_key=True)
    collection_id: Mapped[str]
    passage_id: Mapped[int] = mapped_column(BigInteger)


class IndexLeaseRow(Base):
    """What only one process does at a time, such as making a model's vectors, and until when it may."""

    __tablename__ = "index_leases"

    name: Mapped[str] = mapped_column(primary_key=True)
    holder: Mapped[str]
    leased_until: Mapped[datetime] = mapped_column(UtcTime)
