"""Contents that are read by a process that dies, by an extractor that fails, or by a newer one than before."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, closing
from pathlib import Path

import pytest

from jackfield.contracts.files import Extracted, FileStore, FileStoreParts, Point
from jackfield.errors import Unavailable
from jackfield.testing.contract_suites.file_search import found_paths
from jackfield.testing.contract_suites.file_store_fixtures import ANN, put
from jackfield.testing.file_store_parts import PlainExtractor, ShoutingExtractor
from jackfield.testing.memory_blobs import InMemoryBlobs

Opens = Callable[..., AbstractAsyncContextManager[FileStore]]


class NewerExtractor(ShoutingExtractor):
    """Reads in another way."""

    version = 2

    def extract(self, data: bytes, *, filename: str) -> Extracted:
        return Extracted(text=f"{data.decode()} read anew", kind="text")


class BrokenExtractor(ShoutingExtractor):
    """Has a fault of its own."""

    def extract(self, data: bytes, *, filename: str) -> Extracted:
        raise ZeroDivisionError("a plugin's fault")


class BusyExtractor(ShoutingExtractor):
    """Could not read now."""

    def __init__(self) -> None:
        self.asked = threading.Event()

    def extract(self, data: bytes, *, filename: str) -> Extracted:
        self.asked.set()
        raise Unavailable("the reader did not start in time")


def changed(database: Path, statement: str) -> None:
    """Change the database as a process does that then dies."""
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(statement)


async def test_what_a_dead_process_had_begun_is_read_when_its_lease_is_over(store: FileStore, database: Path) -> None:
    await put(store, "a.doc", "purple elephant")
    changed(database, "UPDATE contents SET attempts = 1, leased_until = '2001-01-01 00:00:00.000000'")
    assert (await store.index.run()).done
    assert await found_paths(store, "elephant") == ["a.doc"]


async def test_what_ends_its_process_each_time_is_given_up_and_may_be_asked_for_again(
    store: FileStore, database: Path
) -> None:
    await put(store, "a.doc", "purple elephant")
    changed(database, "UPDATE contents SET attempts = 3, leased_until = '2001-01-01 00:00:00.000000'")
    assert (await store.index.run()).failed == 1
    file = await store.files.look("main", "a.doc")
    assert (file.index, "3 times" in (file.index_error or "")) == ("failed", True)
    assert await store.index.retry("main") == 1
    assert (await store.index.run()).failed == 0


async def test_a_faulty_extractor_fails_for_its_contents_only(opens: Opens) -> None:
    async with opens(extractors=[PlainExtractor(), BrokenExtractor()]) as store:
        await store.collections.add("main")
        await put(store, "a.doc", "purple elephant")
        await put(store, "b.txt", "green elephant")
        assert (await store.index.run()).failed == 1
        assert await found_paths(store, "elephant") == ["b.txt"]
        assert "ZeroDivisionError" in ((await store.files.look("main", "a.doc")).index_error or "")


@pytest.mark.parametrize("left", [None, b"other bytes"])
async def test_lost_bytes_fail_for_their_contents_only(
    store: FileStore, parts: FileStoreParts, left: bytes | None
) -> None:
    """They are read again when they are back."""
    assert isinstance(parts.blobs, InMemoryBlobs)
    lost = (await put(store, "a.doc", "purple elephant")).file.digest
    await put(store, "b.doc", "green elephant")
    parts.blobs.damage(lost, left)
    assert (await store.index.run()).failed == 1
    assert await found_paths(store, "elephant") == ["b.doc"]
    assert "blob store" in ((await store.files.look("main", "a.doc")).index_error or "")
    parts.blobs.damage(lost, b"purple elephant")
    assert await store.index.retry("main") == 1
    assert (await store.index.run()).failed == 0
    assert sorted(await found_paths(store, "elephant")) == ["a.doc", "b.doc"]
    assert (await store.verify(deep=True)).faults == ()


async def test_what_cannot_be_read_now_waits_and_fails_for_nobody(opens: Opens) -> None:
    busy = BusyExtractor()
    busy.quick = True
    async with opens(extractors=[PlainExtractor(), busy]) as store:
        await store.collections.add("main")
        await put(store, "a.doc", "purple elephant")
        file = await store.files.look("main", "a.doc")
        assert (file.index, file.index_error) == ("pending", None)
        with pytest.raises(Unavailable, match=r"'a\.doc' cannot be read now"):
            await store.files.text("main", "a.doc")


async def test_what_cannot_be_read_anew_is_found_as_it_was_read_before(opens: Opens, store: FileStore) -> None:
    await put(store, "a.doc", "purple elephant")
    await store.index.run()
    busy = BusyExtractor()
    busy.version = 2
    async with opens(extractors=[PlainExtractor(), busy]) as newer:
        job = asyncio.create_task(newer.index.run())
        await asyncio.to_thread(busy.asked.wait, 30)
        job.cancel()
        await asyncio.gather(job, return_exceptions=True)
        with pytest.raises(Unavailable):
            await newer.files.text("main", "a.doc")
        assert await found_paths(newer, "elephant") == ["a.doc"]


async def test_a_newer_extractor_reads_everything_again(opens: Opens, store: FileStore) -> None:
    await put(store, "a.doc", "purple elephant")
    await put(store, "b.doc", "green mouse")
    await store.index.run()
    await store.files.delete("main", "b.doc", actor=ANN)
    async with opens(extractors=[PlainExtractor(), NewerExtractor()]) as newer:
        assert (await newer.index.run()).done
        assert await found_paths(newer, '"elephant read anew"', mode="keyword") == ["a.doc"]
        assert await found_paths(newer, "anew", mode="keyword") == ["a.doc"]
        await newer.files.undelete("main", "b.doc", actor=ANN)
        await put(newer, "a.doc", "something else")
        await newer.files.rollback("main", "a.doc", Point(number=1), actor=ANN)
        await newer.index.run()
        assert sorted(await found_paths(newer, "anew", mode="keyword")) == ["a.doc", "b.doc"]
        assert (await newer.verify(repair=True)).sound
        assert (await newer.verify()).faults == ()


async def test_a_process_reads_on_what_another_wants_read_by_a_newer_extractor(
    opens: Opens, store: FileStore, database: Path
) -> None:
    """As while workers are upgraded one after the other."""
    await put(store, "a.doc", "purple elephant")
    await store.index.run()
    changed(database, "UPDATE contents SET state = 'pending', attempts = 0")
    assert (await store.index.run()).done
    assert await found_paths(store, "elephant") == ["a.doc"]
    assert (await store.verify()).faults == ()
    async with opens(extractors=[PlainExtractor(), NewerExtractor()]) as newer:
        assert (await newer.index.run()).done
        assert await found_paths(newer, "anew", mode="keyword") == ["a.doc"]


async def test_a_reader_that_comes_later_reads_what_was_skipped_when_it_is_asked_for(opens: Opens) -> None:
    async with opens(extractors=[PlainExtractor()]) as store:
        await store.collections.add("main")
        await put(store, "a.doc", "purple elephant")
        assert (await store.files.look("main", "a.doc")).index == "skipped"
    async with opens() as store:
        assert await store.index.retry("main") == 1
        assert (await store.index.run()).done
        assert await found_paths(store, "elephant") == ["a.doc"]
