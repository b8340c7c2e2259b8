"""One database behind a connection pool: how connections are made, how reading and writing begin and end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import TYPE_CHECKING, Any, TypeVar

import structlog
from sqlalchemy import URL, Connection, event
from sqlalchemy.dialects import sqlite
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from jackfield.cancellation import carried_through
from jackfield_storage.addresses import async_url, is_sqlite, place
from jackfield_storage.failures import translated
from jackfield_storage.tables import Base

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql
    from sqlalchemy.sql.selectable import TypedReturnsRows

log = structlog.get_logger(__name__)

T = TypeVar("T")
R = TypeVar("R")

LOCK_SECONDS = 10
"""How long a writer waits for another process's transaction."""

SQLITE_LIMITS: dict[str, Any] = {"timeout": LOCK_SECONDS}
POSTGRES_LIMITS: dict[str, Any] = {
    "connect_timeout": 10,
    "options": f"-c lock_timeout={LOCK_SECONDS}s -c statement_timeout=60s -c idle_in_transaction_session_timeout=60s",
}
"""Time-outs in the driver's words; they hold unless the database's address names its own."""

_WRITES = "jackfield_writes"


class Database:
    """Transactions on one database. Failures come out as Jackfield's errors, except IntegrityError."""

    def __init__(self, url: str) -> None:
        self.url = async_url(url)
        self.place = place(self.url)
        with translated(self.place):
            self._engine = _create_engine(self.url)
        self._readers = async_sessionmaker(self._engine, expire_on_commit=False)
        self._writing = self._engine.execution_options(**{_WRITES: True})
        self._writers = async_sessionmaker(self._writing, expire_on_commit=False)
        # SQLite has one writer at a time; queueing here is fair, where its own waiting is polling.
        self._turn: AbstractAsyncContextManager[Any] = asyncio.Lock() if is_sqlite(self.url) else nullcontext()
        # A SQLite statement that is cancelled goes on in its driver's thread, and the lock it takes would stay.
        self._finish = carried_through if is_sqlite(self.url) else _as_it_comes

    async def read(self, work: Callable[[AsyncSession], Awaitable[T]]) -> T:
        """What work gives that sees one state of the database throughout."""
        return await self._finish(self._transaction(self._readers, work))

    async def write(self, work: Callable[[AsyncSession], Awaitable[T]]) -> T:
        """What work gives whose changes are committed together; an error or a cancel leaves all of them or none."""
        async with self._turn:
            return await self._finish(self._transaction(self._writers, work))

    async def commit(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """As `write`, for statements without objects behind them: cheaper, for what every request writes."""
        async with self._turn:
            return await self._finish(self._plain_transaction(work))

    async def row(self, table: type[R], key: str) -> R | None:
        """The row with a primary key."""
        return await self.read(lambda session: session.get(table, key))

    async def rows(self, chosen: TypedReturnsRows[R]) -> Sequence[R]:
        """Every row that a SELECT finds."""

        async def fetch(session: AsyncSession) -> Sequence[R]:
            return (await session.scalars(chosen)).all()

        return await self.read(fetch)

    async def changed(self, change: TypedReturnsRows[str]) -> int:
        """How many rows an UPDATE or DELETE changed; it must be RETURNING a column of theirs."""

        async def apply(session: AsyncSession) -> int:
            return len((await session.scalars(change)).all())

        return await self.write(apply)

    def insert(self, table: type[Base]) -> sqlite.Insert | postgresql.Insert:
        """An INSERT in this database's dialect, which can say what is to happen on a conflict."""
        if is_sqlite(self.url):
            return sqlite.insert(table)
        from sqlalchemy.dialects import postgresql  # a sixth of SQLAlchemy's import time, in vain for SQLite

        return postgresql.insert(table)

    async def close(self) -> None:
        """Close every connection; a second call does nothing."""
        await self._engine.dispose()

    async def _transaction(
        self, sessions: async_sessionmaker[AsyncSession], work: Callable[[AsyncSession], Awaitable[T]]
    ) -> T:
        with translated(self.place):
            async with sessions.begin() as session:
                return await work(session)

    async def _plain_transaction(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        with translated(self.place):
            async with self._writing.begin() as connection:
                return await work(connection)


async def _as_it_comes(work: Coroutine[Any, Any, T]) -> T:
    return await work


def _create_engine(url: URL) -> AsyncEngine:
    limits = SQLITE_LIMITS if is_sqlite(url) else POSTGRES_LIMITS
    unset = {key: value for key, value in limits.items() if key not in url.query}
    engine = create_async_engine(url, pool_pre_ping=not is_sqlite(url), connect_args=unset)
    if is_sqlite(url):
        event.listen(engine.sync_engine, "connect", _set_pragmas)
        event.listen(engine.sync_engine, "begin", _begin)
    return engine


def _set_pragmas(connection: Any, entry: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # the driver is not to begin transactions on its own: _begin does
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    (mode,) = cursor.fetchone()
    if mode != "wal":
        log.warning("write-ahead log unavailable; readers and writers will wait for each other", journal_mode=mode)
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.close()


def _begin(connection: Connection) -> None:
    # One that reads first and then writes cannot wait for another writer, so a writer begins as one.
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
