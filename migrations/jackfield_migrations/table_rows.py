"""Rows as any kind of database can take them: tables as they are in one database, values as JSON has them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from sqlalchemy import Connection, DateTime, MetaData, Table, insert, select

from jackfield_storage.tables import Base

BATCH = 500
"""Rows that are read and written at a time."""

Row = dict[str, Any]


def own_tables(connection: Connection) -> tuple[Table, ...]:
    """Jackfield's tables as they are in a database, each after those that it refers to."""
    metadata = MetaData()
    metadata.reflect(connection, only=lambda name, _: name in Base.metadata.tables)
    return tuple(metadata.sorted_tables)


def rows_of(connection: Connection, table: Table) -> Iterator[Row]:
    """Every row, in the order of the primary key."""
    streamed = connection.execution_options(yield_per=BATCH)
    names = [str(column.name) for column in table.columns]
    for row in streamed.execute(select(table).order_by(*table.primary_key)):
        yield dict(zip(names, map(_plain, row), strict=True))


def insert_rows(connection: Connection, table: Table, rows: Iterable[Row]) -> int:
    """Add rows; how many they were."""
    moments = [column.name for column in table.columns if isinstance(column.type, DateTime)]
    zoned = connection.dialect.name != "sqlite"
    count, coming = 0, iter(rows)
    while batch := list(islice(coming, BATCH)):
        connection.execute(insert(table), [_stored(row, moments, zoned=zoned) for row in batch])
        count += len(batch)
    return count


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return (value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)).isoformat()
    return value


def _stored(row: Row, moments: Iterable[str], *, zoned: bool) -> Row:
    for name in moments:
        if row[name] is not None:
            moment = datetime.fromisoformat(row[name])
            row[name] = moment if zoned else moment.astimezone(UTC).replace(tzinfo=None)
    return row
