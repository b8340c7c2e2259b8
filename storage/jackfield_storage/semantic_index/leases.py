"""What only one process of an installation does at a time, for as long as it lives."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import structlog
from sqlalchemy import Connection, delete, or_

from jackfield.errors import StateUnavailable
from jackfield_storage.engine import Database
from jackfield_storage.tables import IndexLeaseRow

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=30)
"""After which a process that was killed is in nobody's way."""
RENEWED_EACH = 5.0
"""Seconds; what holds a lease may take far longer over one piece of its work than the lease runs."""


@asynccontextmanager
async def renewed_meanwhile(renew: Callable[[], Awaitable[object]], each: float = RENEWED_EACH) -> AsyncIterator[None]:
    """Renew what this process holds, each so many seconds, until the block ends."""
    task = asyncio.create_task(_renewing(renew, each))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _renewing(renew: Callable[[], Awaitable[object]], each: float) -> None:
    while True:
        await asyncio.sleep(each)
        try:
            await renew()
        except StateUnavailable as error:
            log.warning("a lease could not be renewed; another process may do the same work", reason=str(error))


class Lease:
    """The right to do something, held by one process; to be renewed with each piece of the work."""

    def __init__(self, database: Database, name: str) -> None:
        self._database = database
        self._name = name
        self._holder = uuid4().hex

    async def taken(self) -> bool:
        """Whether it is this process's now."""
        try:
            return await self._database.commit(self.renewed)
        except asyncio.CancelledError:  # nobody hears whether it was taken in spite of the cancel
            await self.let_go()
            raise

    def renewed(self, connection: Connection) -> bool:
        """As `taken`, within a transaction."""
        now = datetime.now(UTC)
        given = {"holder": self._holder, "leased_until": now + LEASE}
        taking = (
            self._database.insert(IndexLeaseRow)
            .values(name=self._name, **given)
            .on_conflict_do_update(
                index_elements=["name"],
                set_=given,
                where=or_(IndexLeaseRow.holder == self._holder, IndexLeaseRow.leased_until < now),
            )
            .returning(IndexLeaseRow.name)
        )
        return connection.execute(taking).one_or_none() is not None

    async def let_go(self) -> None:
        """Let others do it."""
        mine = delete(IndexLeaseRow).where(IndexLeaseRow.name == self._name, IndexLeaseRow.holder == self._holder)
        await self._database.changed(mine.returning(IndexLeaseRow.name))
