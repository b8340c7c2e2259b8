"""One database behind a connection pool: how connections are made, how reading and writing begin and end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, TypeVar

import structlog
from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from jackfield.cancellation import carried_through
from jackfield_storage.addresses import async_url, blocking_url, is_sqlite, place
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

COMMITTERS = 4
"""Plain transactions at once, where the database takes more than one."""
LOOKERS = 4
"""Those that only read, in threads of their own: writers that wait for each other are not in their way."""

_WRITES = "jackfield_writes"
_LASTS = "jackfield_lasts"


class Database:
    """Transactions on one database. Failures come out as Jackfield's errors, except IntegrityError."""

    def __init__(self, url: str) -> None:
        self.url = async_url(url)
        self.place = place(self.url)
        with translated(self.place):
            self._engine = _create_engine(self.url)
            self._plain = _create_plain_engine(blocking_url(url))
        self._threads = ThreadPoolExecutor(COMMITTERS, thread_name_prefix="commit")
        self._lookers = ThreadPoolExecutor(LOOKERS, thread_name_prefix="look")
        self._readers = async_sessionmaker(self._engine, expire_on_commit=False)
        self._writers = async_sessionmaker(self._engine.execution_options(**{_WRITES: True}), expire_on_commit=False)
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

    async def commit(self, work: Callable[[Connection], T], *, lasts: bool = False) -> T:
        """As `write`, for statements without objects behind them: cheaper, for what every request writes.

        The work is done in a thread, where each statement is a call and no turn of the event loop. What `lasts` is on
        the disk when it is committed; SQLite otherwise may lose the last that it did to a power cut.
        """
        async with self._turn:
            loop = asyncio.get_running_loop()
            return await carried_through(loop.run_in_executor(self._threads, self._committed, work, lasts))

    async def look(self, work: Callable[[Connection], T]) -> T:
        """As `read`, in a thread and without objects: cheaper where several statements follow each other."""
        loop = asyncio.get_running_loop()
        return await carried_through(loop.run_in_executor(self._lookers, self._looked, work))

    @contextmanager
    def looking(self) -> Iterator[Connection]:
        """A connection to read with in the caller's own thread, in one transaction. Blocking."""
        with translated(self.place), self._plain.connect() as connection:
            yield connection.execution_options(**{_WRITES: False})

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
        await asyncio.to_thread(self._threads.shutdown)
        await asyncio.to_thread(self._lookers.shutdown)
        await asyncio.to_thread(self._plain.dispose)
        await self._engine.dispose()

    def _looked(self, work: Callable[[Connection], T]) -> T:
        """Blocking, and made anew once as `_committed` is."""
        for first in (True, False):
            with self.looking() as connection:
                try:
                    return work(connection)
                except DBAPIError as error:
                    if not (first and error.connection_invalidated):
                        raise
        raise AssertionError("the second try returns or raises")

    async def _transaction(
        self, sessions: async_sessionmaker[AsyncSession], work: Callable[[AsyncSession], Awaitable[T]]
    ) -> T:
        with translated(self.place):
            async with sessions.begin() as session:
                return await work(session)

    def _committed(self, work: Callable[[Connection], T], lasts: bool) -> T:
        """Blocking. A connection that was lost with a server that restarted is made anew, once, before the commit."""
        with translated(self.place):
            for first in (True, False):
                with self._plain.connect() as connection:
                    connection = connection.execution_options(**{_LASTS: lasts})
                    try:
                        done = work(connection)
                    except DBAPIError as error:
                        if first and error.connection_invalidated:
                            continue
                        raise
                    connection.commit()
                    return done
        raise AssertionError("the second try returns or raises")


async def _as_it_comes(work: Coroutine[Any, Any, T]) -> T:
    return await work


def _create_engine(url: URL) -> AsyncEngine:
    engine = create_async_engine(url, pool_pre_ping=not is_sqlite(url), connect_args=_limits(url))
    _prepare_connections(engine.sync_engine)
    return engine


def _create_plain_engine(url: URL) -> Engine:
    """For writing from threads."""
    limits = {**_limits(url), "check_same_thread": False} if is_sqlite(url) else _limits(url)
    # Parameters by place and not by name, which `compiled_once` relies on.
    style: Any = "qmark" if is_sqlite(url) else "format"
    engine = create_engine(url, connect_args=limits, pool_size=COMMITTERS + LOOKERS, paramstyle=style)
    engine = engine.execution_options(**{_WRITES: True})
    _prepare_connections(engine)
    return engine


def _limits(url: URL) -> dict[str, Any]:
    """The time-outs that the address leaves open."""
    limits = SQLITE_LIMITS if is_sqlite(url) else POSTGRES_LIMITS
    return {key: value for key, value in limits.items() if key not in url.query}


def _prepare_connections(engine: Engine) -> None:
    if is_sqlite(engine.url):
        event.listen(engine, "connect", _set_pragmas)
        event.listen(engine, "begin", _begin)


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
    options = connection.get_execution_options()
    lasts = options.get(_LASTS, False)
    if connection.info.get(_LASTS, False) != lasts:
        connection.exec_driver_sql(f"PRAGMA synchronous = {'FULL' if lasts else 'NORMAL'}")
        connection.info[_LASTS] = lasts
    # One that reads first and then writes cannot wait for another writer, so a writer begins as one.
    writes = options.get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
