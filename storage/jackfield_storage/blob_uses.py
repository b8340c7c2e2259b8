"""Which blobs something on record has, so that bytes are removed only where nothing does.

Whoever puts a digest on record says `keep` in that transaction, and removing happens in a transaction of its own that
waits for those and that they wait for. Bytes can then vanish only before that: who put them looks once more
within the transaction, when nobody can remove them any more.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable
from functools import partial
from itertools import islice

from sqlalchemy import Connection, Integer, Select, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from jackfield_storage.compiled_once import CompiledOnce
from jackfield_storage.engine import Database
from jackfield_storage.semantic_index.turn import take_turn
from jackfield_storage.tables import ContentRow, FileVersionRow, UploadRow

COLUMNS = (UploadRow.digest, FileVersionRow.digest, ContentRow.text_digest)
"""Every column that holds the digest of a blob."""

BATCH = 50
"""Blobs that are removed in one transaction, which others wait for."""

_KEEPING = CompiledOnce(select(func.pg_advisory_xact_lock_shared(bindparam("key", type_=Integer))))


def uses(digest: str) -> Select[int]:
    """How many rows have these bytes."""
    counts = [select(func.count()).where(column == digest).scalar_subquery() for column in COLUMNS]
    return select(counts[0] + counts[1] + counts[2])


def used(connection: Connection, digests: Collection[str]) -> set[str]:
    """Those of some blobs that a row has."""
    return {
        digest
        for column in COLUMNS
        for digest in connection.scalars(select(column).where(column.in_(digests)))
        if digest
    }


def keep(connection: Connection, digests: Iterable[str | None]) -> None:
    """Let nobody remove these bytes before the transaction ends, by when a row has them."""
    if connection.dialect.name == "sqlite":
        return  # it has one writer at a time
    for key in sorted({_key(digest) for digest in digests if digest}):
        _KEEPING.rows(connection, {"key": key})


async def remove_unused(
    database: Database, digests: Iterable[str], remove: Callable[[str], Awaitable[bool]]
) -> frozenset[str]:
    """Remove bytes that no row has; none can come to have them meanwhile. Those that were removed."""
    removed: set[str] = set()
    coming = iter(digests)
    while batch := list(islice(coming, BATCH)):
        removed.update(await database.write(partial(_removed, digests=batch, remove=remove)))
    return frozenset(removed)


async def _removed(session: AsyncSession, digests: list[str], remove: Callable[[str], Awaitable[bool]]) -> list[str]:
    connection = await session.connection()
    unused = await connection.run_sync(_unused, digests)
    return [digest for digest in unused if await remove(digest)]


def _unused(connection: Connection, digests: list[str]) -> list[str]:
    """Those that no row has, nor can come to have before the transaction ends."""
    take_turn(connection)  # first, as whoever puts contents on record does, who keeps several digests
    if connection.dialect.name != "sqlite":
        for key in sorted(map(_key, digests)):
            connection.execute(select(func.pg_advisory_xact_lock(key)))
    needed = used(connection, digests)
    return [digest for digest in digests if digest not in needed]


def _key(digest: str) -> int:
    """What PostgreSQL's advisory locks go by; two digests may share one, and then only wait for each other."""
    return int(digest[:8], 16) - (1 << 31)
