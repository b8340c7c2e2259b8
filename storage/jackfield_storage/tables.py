"""The tables, typed: what a row holds is what the contracts' structs hold."""

from __future__ import annotations

from datetime import UTC, datetime
from types import UnionType
from typing import Any

import msgspec
from sqlalchemy import (
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    MetaData,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy import column as column_named
from sqlalchemy import table as table_named
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedAsDataclass, mapped_column

from jackfield.contracts.models import ModelDescription
from jackfield.contracts.runs import RunRequest, RunState
from jackfield.contracts.sampling import SamplingOverrides
from jackfield.errors import InvalidRequest
from jackfield.events import RunEventBody, Usage
from jackfield.messages import Message

REVISION = "0001"
"""The migration that leads to these tables."""

REVISION_COLUMN = column_named("version_num", String)
REVISION_TABLE = table_named("alembic_version", REVISION_COLUMN)
"""Where the migrations keep the revision that a database is at."""

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Json(TypeDecorator[Any]):
    """A struct, union or typed dictionary as JSON text, read back as the type it was."""

    impl = Text
    cache_ok = True

    def __init__(self, kind: type[Any] | UnionType) -> None:
        super().__init__()
        self.kind = kind
        self._decode = msgspec.json.Decoder(kind).decode

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else msgspec.json.encode(value).decode()

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else self._decode(value)


class UtcTime(TypeDecorator[datetime]):
    """A moment to the microsecond; one without a zone is refused, for it could be any of 38."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise InvalidRequest(f"The time {value} has no zone; give one with a zone, such as {value}+00:00.")
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)  # SQLite keeps no zone


class Base(MappedAsDataclass, DeclarativeBase, kw_only=True):
    """All tables; `Base.metadata` is what the migrations are held against."""

    metadata = MetaData(naming_convention=NAMES)


class ModelRow(Base):
    """An installed model."""

    __tablename__ = "models"

    name: Mapped[str] = mapped_column(primary_key=True)
    path: Mapped[str]
    reference: Mapped[str]
    sha256: Mapped[str]
    pulled_at: Mapped[datetime] = mapped_column(UtcTime)
    description: Mapped[ModelDescription] = mapped_column(Json(ModelDescription))
    sampling: Mapped[SamplingOverrides] = mapped_column(Json(SamplingOverrides))
    linked: Mapped[bool]


class ConversationRow(Base):
    """A thread of messages."""

    __tablename__ = "conversations"

    id: Mapped[str] = mapped_column(primary_key=True)
    title: Mapped[str]
    model: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    updated_at: Mapped[datetime] = mapped_column(UtcTime, index=True)


class MessageRow(Base):
    """A message in its conversation; `run_id` is no foreign key, for messages outlive pruned runs."""

    __tablename__ = "messages"
    __table_args__ = (UniqueConstraint("conversation_id", "number"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"))
    number: Mapped[int]
    message: Mapped[Message] = mapped_column(Json(Message))
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    run_id: Mapped[str | None]


class RunRow(Base):
    """A run: what was asked and how it stands."""

    __tablename__ = "runs"
    __table_args__ = (Index(None, "state", "finished_at"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    request: Mapped[RunRequest] = mapped_column(Json(RunRequest))
    state: Mapped[RunState] = mapped_column(String)
    created_at: Mapped[datetime] = mapped_column(UtcTime, index=True)
    finished_at: Mapped[datetime | None] = mapped_column(UtcTime)
    usage: Mapped[Usage | None] = mapped_column(Json(Usage))
    error: Mapped[str | None] = mapped_column(Text)


class RunEventRow(Base):
    """An event in its run's order; kept in that order on disk, without a row id of its own."""

    __tablename__ = "run_events"
    __table_args__ = ({"sqlite_with_rowid": False},)

    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcTime)
    body: Mapped[RunEventBody] = mapped_column(Json(RunEventBody))
