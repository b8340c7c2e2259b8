"""What processes hold while they index: for as long as they live, and not much longer."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Coroutine
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from jackfield.contracts.files import FileStore
from jackfield.contracts.records import sqlite_url
from jackfield.errors import StateUnavailable
from jackfield.testing.contract_suites.file_store_fixtures import put
from jackfield_storage.engine import Database
from jackfield_storage.semantic_index.leases import Lease, renewed_meanwhile
from jackfield_storage.semantic_index.pending import claimed


async def test_a_content_that_ends_its_process_spoils_no_other(store: FileStore, database: Path) -> None:
    """It was taken with others once, and is taken alone from then on."""
    for number in range(4):
        await put(store, f"{number}.doc", f"purple elephant {number}")
    other = Database(sqlite_url(database.parent))
    try:
        taken = [await _claimed_and_died(other, database) for _ in range(4)]
    finally:
        await other.close()
    assert list(map(len, taken)) == [4, 1, 1, 1]
    assert taken[1] == taken[2] != taken[3], "after three times the next has its turn"
    progress = await store.index.run()
    assert (progress.failed, progress.contents_done) == (1, 3)


async def _claimed_and_died(other: Database, database: Path) -> list[int]:
    contents = await other.commit(claimed)
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("UPDATE contents SET leased_until = '2001-01-01 00:00:00.000000' WHERE state = 'pending'")
    return [content.id for content in contents]


async def test_a_job_that_is_cancelled_while_it_takes_contents_leaves_them_to_others(
    store: FileStore, database: Path
) -> None:
    await store.index.run()
    await put(store, "a.doc", "purple elephant")
    await _cancelled_while_it_waits_to_write(store.index.run(), database)
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("SELECT attempts, leased_until FROM contents").fetchall() == [(0, None)]


async def test_what_is_cancelled_while_it_takes_a_lease_does_not_hold_it(database: Path) -> None:
    ours, others = Database(sqlite_url(database.parent)), Database(sqlite_url(database.parent))
    try:
        await _cancelled_while_it_waits_to_write(Lease(ours, "vectors").taken(), database)
        assert await Lease(others, "vectors").taken()
    finally:
        await ours.close()
        await others.close()


async def _cancelled_while_it_waits_to_write(work: Coroutine[Any, Any, object], database: Path) -> None:
    with closing(sqlite3.connect(database, isolation_level=None)) as writing:
        writing.execute("BEGIN IMMEDIATE")
        task = asyncio.create_task(work)
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.sleep(0)
        writing.execute("ROLLBACK")
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_lease_is_renewed_for_as_long_as_the_work_takes() -> None:
    times, enough = 0, asyncio.Event()

    async def renew() -> None:
        nonlocal times
        times += 1
        if times == 2:
            raise StateUnavailable("The database is busy.")
        if times == 4:
            enough.set()

    async with renewed_meanwhile(renew, each=0.001):
        await enough.wait()
    renewed = times
    await asyncio.sleep(0.01)
    assert times == renewed
