"""What every table is made of: its base, and columns that hold structs and moments."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy import DateTime, Dialect, MetaData, String, Text, TypeDecorator
from sqlalchemy.orm import DeclarativeBase, MappedAsDataclass

from jackfield.errors import InvalidRequest

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

ORDERED = String().with_variant(String(collation="C"), "postgresql")
"""Text in the order of its code points, as SQLite has it, so that indexes serve prefixes and pages."""


class Json(TypeDecorator[Any]):
    """A struct, union or typed dictionary as JSON text, read back as the type it was."""

    impl = Text
    cache_ok = True

    def __init__(self, kind: Any) -> None:
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
