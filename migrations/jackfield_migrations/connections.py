"""Blocking connections to a database that is to be looked at, or brought up to date by one process at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event, inspect, text

from jackfield_storage.addresses import is_sqlite

LOCK_SECONDS = 60
"""How long to wait for another process that is upgrading the same database."""

ADVISORY_LOCK = 0x6A61636B6669656C
"""The number of PostgreSQL's advisory lock: the ASCII codes of `jackfiel`."""


@contextmanager
def connected(url: URL) -> Iterator[Connection]:
    """A connection in a transaction that is rolled back at the end."""
    engine = _engine(url)
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


@contextmanager
def snapshot(url: URL) -> Iterator[Connection]:
    """A connection that sees one state of the database throughout, whatever others write meanwhile."""
    engine = _engine(url)
    if is_sqlite(url):
        event.listen(engine, "connect", _let_us_begin)
        event.listen(engine, "begin", _begin)
    else:
        engine = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


@contextmanager
def alone(url: URL) -> Iterator[Connection]:
    """A connection in a transaction that no other process's upgrade can overlap; committed at the end."""
    engine = _engine(url)
    if is_sqlite(url):
        event.listen(engine, "connect", _use_write_ahead_log)
        event.listen(engine, "begin", _begin_immediate)
    try:
        with engine.begin() as connection:
            if not is_sqlite(url):
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
            yield connection
    finally:
        engine.dispose()


def recorded_revision(connection: Connection) -> str | None:
    """The revision that a database says it is at; None where it says nothing."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return revision


def _engine(url: URL) -> Engine:
    limits: dict[str, Any] = {"timeout": LOCK_SECONDS}
    if not is_sqlite(url):
        limits = {"connect_timeout": 10, "options": f"-c lock_timeout={LOCK_SECONDS}s"}
    chosen = {key: value for key, value in limits.items() if key not in url.query}
    return create_engine(url, poolclass=NullPool, connect_args=chosen)


def _let_us_begin(connection: Any, entry: object) -> None:
    connection.isolation_level = None  # the driver is not to begin transactions on its own


def _use_write_ahead_log(connection: Any, entry: object) -> None:
    _let_us_begin(connection, entry)
    connection.execute("PRAGMA journal_mode = WAL")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
