"""Models, conversations with their messages, runs with their events."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from jackfield.contracts.models import ModelDescription
from jackfield.contracts.runs import RunRequest, RunState
from jackfield.contracts.sampling import SamplingOverrides
from jackfield.events import RunEventBody, Usage
from jackfield.messages import Message
from jackfield_storage.tables.columns import Base, Json, UtcTime


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
    """A run: what was asked, how it stands, who holds it."""

    __tablename__ = "runs"
    __table_args__ = (Index(None, "state", "finished_at"), Index(None, "user_id", "created_at"))

    id: Mapped[str] = mapped_column(primary_key=True)
    request: Mapped[RunRequest] = mapped_column(Json(RunRequest))
    state: Mapped[RunState] = mapped_column(String)
    created_at: Mapped[datetime] = mapped_column(UtcTime, index=True)
    finished_at: Mapped[datetime | None] = mapped_column(UtcTime)
    usage: Mapped[Usage | None] = mapped_column(Json(Usage))
    error: Mapped[str | None] = mapped_column(Text)
    user_id: Mapped[str | None]
    team_id: Mapped[str | None]
    key_id: Mapped[str | None]
    worker: Mapped[str | None]
    leased_until: Mapped[datetime | None] = mapped_column(UtcTime)
    trace: Mapped[str | None]
    stop_asked_at: Mapped[datetime | None] = mapped_column(UtcTime)


class RunEventRow(Base):
    """An event in its run's order; kept in that order on disk, without a row id of its own."""

    __tablename__ = "run_events"
    __table_args__ = ({"sqlite_with_rowid": False},)

    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcTime)
    body: Mapped[RunEventBody] = mapped_column(Json(RunEventBody))
