"""Rows as any kind of database can take them: tables as they are in one database, values as JSON has them."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from sqlalchemy import Connection, DateTime, LargeBinary, MetaData, Table, func, insert, select, text

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
    stored = _storing(connection, table)
    count, coming = 0, iter(rows)
    while batch := list(islice(coming, BATCH)):
        connection.execute(insert(table), [stored(row) for row in batch])
        count += len(batch)
    return count


def count_on(connection: Connection, table: Table) -> None:
    """Let the numbers that the database gives out go on behind those of the rows, as SQLite does by itself."""
    if connection.dialect.name != "postgresql":
        return
    for key in table.primary_key:
        named = {"table": connection.dialect.identifier_preparer.format_table(table), "column": key.name}
        sequence = connection.scalar(text("SELECT pg_get_serial_sequence(:table, :column)"), named)
        if sequence is not None:
            last = connection.scalar(select(func.max(key))) or 0
            connection.execute(
                text("SELECT setval(CAST(:sequence AS regclass), :next, false)"),
                {"sequence": sequence, "next": last + 1},
            )


def _plain(value: Any) -> Any:
    """A value as JSON has it; bytes become base64."""
    if isinstance(value, datetime):
        return (value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)).isoformat()
    return value


def _storing(connection: Connection, table: Table) -> Callable[[Row], Row]:
    """Rows as this database takes them."""
    processes: dict[str, Callable[[str], Any]] = {}
    for column in table.columns:
        if isinstance(column.type, DateTime):
            processes[str(column.name)] = _naive if connection.dialect.name == "sqlite" else datetime.fromisoformat
        elif isinstance(column.type, LargeBinary):
            processes[str(column.name)] = b64decode

    def stored(row: Row) -> Row:
        for name, process in processes.items():
            if row[name] is not None:
                row[name] = process(row[name])
        return row

    return stored


def _naive(moment: str) -> datetime:
    """SQLite keeps no zones."""
    return datetime.fromisoformat(moment).astimezone(UTC).replace(tzinfo=None)
