"""What is remembered across conversations."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from jackfield.contracts.memory import MemoryKind, Visibility
from jackfield.messages import Provenance
from jackfield_storage.tables.columns import Base, UtcTime


class MemoryRow(Base):
    """A unit as it stands: its newest version."""

    __tablename__ = "memories"

    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[MemoryKind] = mapped_column(String)
    text: Mapped[str] = mapped_column(Text)
    key: Mapped[str] = mapped_column(index=True)
    provenance: Mapped[Provenance] = mapped_column(String)
    owner_id: Mapped[str] = mapped_column(index=True)
    team_id: Mapped[str | None] = mapped_column(index=True)
    visibility: Mapped[Visibility] = mapped_column(String)
    remembered_at: Mapped[datetime] = mapped_column(UtcTime)
    changed_at: Mapped[datetime] = mapped_column(UtcTime)
    version: Mapped[int]
    source: Mapped[str]
    expires_at: Mapped[datetime | None] = mapped_column(UtcTime, index=True)
    recalled: Mapped[int]
    recalled_at: Mapped[datetime | None] = mapped_column(UtcTime)
    model: Mapped[str | None]


class MemoryVersionRow(Base):
    """A unit as it was."""

    __tablename__ = "memory_versions"
    __table_args__ = ({"sqlite_with_rowid": False},)

    memory_id: Mapped[str] = mapped_column(ForeignKey("memories.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str] = mapped_column(Text)
    provenance: Mapped[Provenance] = mapped_column(String)
    changed_at: Mapped[datetime] = mapped_column(UtcTime)
    source: Mapped[str]


class MemoryVectorRow(Base):
    """A unit's unit vector under a model, as little-endian 16-bit floats."""

    __tablename__ = "memory_vectors"
    __table_args__ = ({"sqlite_with_rowid": False},)

    memory_id: Mapped[str] = mapped_column(ForeignKey("memories.id", ondelete="CASCADE"), primary_key=True)
    model: Mapped[str] = mapped_column(primary_key=True)
    vector: Mapped[bytes] = mapped_column(LargeBinary)
