"""Which blobs something on record has, so that bytes are removed only where nothing does.

Whoever puts a digest on record says `keep` in that transaction, and removing happens in a transaction of its own that
waits for those and that they wait for. Bytes can then vanish only before they are on record, never after: who put them
looks once more when they are.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

from sqlalchemy import Connection, Integer, Select, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from jackfield_storage.compiled_once import CompiledOnce
from jackfield_storage.engine import Database
from jackfield_storage.tables import ContentRow, FileVersionRow, UploadRow

COLUMNS = (UploadRow.digest, FileVersionRow.digest, ContentRow.text_digest)
"""Every column that holds the digest of a blob."""

_KEEPING = CompiledOnce(select(func.pg_advisory_xact_lock_shared(bindparam("key", type_=Integer))))


def uses(digest: str) -> Select[int]:
    """How many rows have these bytes."""
    counts = [select(func.count()).where(column == digest).scalar_subquery() for column in COLUMNS]
    return select(counts[0] + counts[1] + counts[2])


def keep(connection: Connection, digests: Iterable[str | None]) -> None:
    """Let nobody remove these bytes before the transaction ends, by when a row has them."""
    if connection.dialect.name == "sqlite":
        return  # it has one writer at a time
    for key in sorted({_key(digest) for digest in digests if digest}):
        _KEEPING.rows(connection, {"key": key})


async def remove_unused(database: Database, digest: str, remove: Callable[[], Awaitable[bool]]) -> bool:
    """Call `remove` unless a row has these bytes; none can come to have them meanwhile."""

    async def work(session: AsyncSession) -> bool:
        connection = await session.connection()
        if connection.dialect.name != "sqlite":
            await session.execute(select(func.pg_advisory_xact_lock(_key(digest))))
        if await session.scalar(uses(digest)):
            return False
        return await remove()

    return await database.write(work)


def _key(digest: str) -> int:
    """What PostgreSQL's advisory locks go by; two digests may share one, and then only wait for each other."""
    return int(digest[:8], 16) - (1 << 31)
