"""What the store and the migrator say when the file, the folder or the disk is not as it should be."""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Pool, event

from jackfield.contracts.records import StateStore, sqlite_url
from jackfield.errors import DiskFull, InvalidRequest, StateUnavailable
from jackfield.messages import Message
from jackfield.testing.contract_suites.records_made import a_model, a_run, numbered, words
from jackfield_migrations.migrator import AlembicMigrator
from jackfield_storage.engine import Database
from jackfield_storage.state_store import SqlStateStoreFactory


@contextmanager
def disk_of(pages: int) -> Iterator[None]:
    """Every SQLite database that is connected to meanwhile may grow to so many pages, and is then full."""

    def limit(connection: Any, entry: object) -> None:
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA max_page_count = {pages}")
        cursor.close()

    event.listen(Pool, "connect", limit)
    try:
        yield
    finally:
        event.remove(Pool, "connect", limit)


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[StateStore]:
    """A store that is closed in the end."""
    store = await SqlStateStoreFactory().open(url)
    try:
        yield store
    finally:
        await store.close()


def page_count(database: Path) -> int:
    with closing(sqlite3.connect(database)) as connection:
        (count,) = connection.execute("PRAGMA page_count").fetchone()
    return int(count)


class TestMigrator:
    """Bringing a database up to date where that cannot be."""

    def test_a_folder_below_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("not a folder")
        with pytest.raises(StateUnavailable, match=r"file/data.*JACKFIELD_HOME"):
            AlembicMigrator().upgrade(sqlite_url(tmp_path / "file" / "data"))

    @pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc")
    def test_a_folder_where_nothing_can_be_made(self) -> None:
        with pytest.raises(StateUnavailable, match=r"/proc/jackfield cannot be made"):
            AlembicMigrator().upgrade(sqlite_url(Path("/proc/jackfield")))

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may write to any folder")
    def test_a_folder_without_the_right_to_write(self, tmp_path: Path) -> None:
        tmp_path.chmod(0o500)
        try:
            with pytest.raises(StateUnavailable, match="cannot be opened"):
                AlembicMigrator().upgrade(sqlite_url(tmp_path))
        finally:
            tmp_path.chmod(0o700)

    def test_a_folder_where_the_file_should_be(self, tmp_path: Path) -> None:
        (tmp_path / "jackfield.db").mkdir()
        with pytest.raises(StateUnavailable, match=r"jackfield\.db cannot be opened"):
            AlembicMigrator().upgrade(sqlite_url(tmp_path))

    def test_a_file_that_is_no_database_is_left_as_it_is(self, tmp_path: Path) -> None:
        path = tmp_path / "jackfield.db"
        path.write_text("a letter to a friend, longer than the hundred bytes of a header. " * 20)
        before = path.read_bytes()
        for ask in (AlembicMigrator().upgrade, AlembicMigrator().current):
            with pytest.raises(StateUnavailable, match="is not a SQLite database"):
                ask(sqlite_url(tmp_path))
        assert path.read_bytes() == before

    def test_a_full_disk_leaves_no_tables_and_a_later_try_succeeds(self, tmp_path: Path) -> None:
        url = sqlite_url(tmp_path)
        with disk_of(pages=6), pytest.raises(DiskFull, match="free some space"):
            AlembicMigrator().upgrade(url)
        with closing(sqlite3.connect(tmp_path / "jackfield.db")) as connection:
            assert connection.execute("SELECT name FROM sqlite_master").fetchall() == []
        assert AlembicMigrator().upgrade(url)

    def test_a_read_only_database_that_is_up_to_date_is_no_trouble(self, database: Path) -> None:
        assert AlembicMigrator().upgrade(f"sqlite:///file:{database}?mode=ro&uri=true") == ()

    def test_a_read_only_database_that_is_not(self, tmp_path: Path) -> None:
        database = tmp_path / "jackfield.db"
        with closing(sqlite3.connect(database)) as connection:
            connection.execute("CREATE TABLE other (id INTEGER)")
        with pytest.raises(StateUnavailable, match="read-only"):
            AlembicMigrator().upgrade(f"sqlite:///file:{database}?mode=ro&uri=true")

    def test_a_database_that_another_process_holds(self, tmp_path: Path) -> None:
        with closing(sqlite3.connect(tmp_path / "jackfield.db", isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            with pytest.raises(StateUnavailable, match="locked by another process"):
                AlembicMigrator().upgrade(sqlite_url(tmp_path) + "?timeout=0.05")


class TestOpening:
    """Opening what is not an up-to-date database."""

    async def test_no_file_is_not_made(self, tmp_path: Path) -> None:
        with pytest.raises(StateUnavailable, match="jackfield db upgrade"):
            await SqlStateStoreFactory().open(sqlite_url(tmp_path))
        assert list(tmp_path.iterdir()) == []

    async def test_a_database_without_tables(self, tmp_path: Path) -> None:
        (tmp_path / "jackfield.db").touch()
        with pytest.raises(StateUnavailable, match="jackfield db upgrade"):
            await SqlStateStoreFactory().open(sqlite_url(tmp_path))

    async def test_a_database_at_another_revision(self, database: Path) -> None:
        with closing(sqlite3.connect(database)) as connection, connection:
            connection.execute("UPDATE alembic_version SET version_num = '0000'")
        with pytest.raises(StateUnavailable, match="jackfield db upgrade"):
            await SqlStateStoreFactory().open(sqlite_url(database.parent))

    async def test_a_file_that_is_no_database(self, tmp_path: Path) -> None:
        (tmp_path / "jackfield.db").write_bytes(b"\x00\x01" * 4096)
        with pytest.raises(StateUnavailable, match="is not a SQLite database"):
            await SqlStateStoreFactory().open(sqlite_url(tmp_path))


class TestStore:
    """An open store whose disk turns bad."""

    async def test_a_full_disk_keeps_nothing_of_a_write_and_everything_before(self, database: Path) -> None:
        run = a_run()
        with disk_of(pages=page_count(database)):
            async with opened(sqlite_url(database.parent)) as store:
                await store.runs.add(run)
                await store.runs.append(run.id, numbered(run.id, words(3)))
                with pytest.raises(DiskFull, match=r"jackfield\.db is full; free some space"):
                    await store.runs.append(run.id, numbered(run.id, words(2000), first=4))
                assert await store.runs.events(run.id) == numbered(run.id, words(3))
        async with opened(sqlite_url(database.parent)) as store:
            await store.runs.append(run.id, numbered(run.id, words(2000), first=4))
            assert len(await store.runs.events(run.id)) == 2003

    async def test_a_read_only_database_can_be_read_and_says_what_to_do(self, database: Path) -> None:
        async with opened(f"sqlite+aiosqlite:///file:{database}?mode=ro&uri=true") as store:
            assert await store.models.all() == ()
            for write in (store.check(), store.models.put(a_model()), store.conversations.add("Title")):
                with pytest.raises(StateUnavailable, match=rf"{database} cannot be written.*read-only"):
                    await write

    async def test_a_database_that_another_process_holds(self, database: Path) -> None:
        async with opened(sqlite_url(database.parent) + "?timeout=0.05") as store:
            with closing(sqlite3.connect(database, isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")
                with pytest.raises(StateUnavailable, match="locked by another process"):
                    await store.check()
                assert await store.models.all() == ()
            await store.check()

    async def test_a_record_from_elsewhere_that_cannot_be_read_is_not_guessed_at(self, database: Path) -> None:
        run = a_run()
        async with opened(sqlite_url(database.parent)) as store:
            await store.runs.add(run)
            with closing(sqlite3.connect(database)) as other, other:
                other.execute("UPDATE runs SET request = '{\"model\": 7}'")
            with pytest.raises(StateUnavailable, match="cannot read"):
                await store.runs.get(run.id)

    async def test_a_damaged_file(self, database: Path) -> None:
        size = database.stat().st_size
        with database.open("r+b") as file:
            file.seek(4096)
            file.write(b"\xff" * (size - 4096))
        with pytest.raises(StateUnavailable, match="damaged"):
            async with opened(sqlite_url(database.parent)) as store:
                await store.runs.recent()

    async def test_what_cannot_be_stored_is_the_callers_mistake(self, database: Path) -> None:
        async with opened(sqlite_url(database.parent)) as store:
            with pytest.raises(InvalidRequest, match="no zone"):
                await store.runs.add(a_run(created_at=a_run().created_at.replace(tzinfo=None)))
            conversation = await store.conversations.add("Title")
            with pytest.raises(InvalidRequest, match="UTF-8"):
                await store.conversations.append(conversation.id, Message.of("user", "half a pair: \ud800"))
            with pytest.raises(InvalidRequest, match="UTF-8"):
                await store.conversations.rename(conversation.id, "half a pair: \ud800")
            with pytest.raises(InvalidRequest, match="database can hold"):
                await store.runs.events("run_0", after=10**30)
            with pytest.raises(InvalidRequest, match="belongs to run"):
                await store.runs.append("run_0", numbered("run_1", words(1)))
            assert await store.conversations.messages(conversation.id) == ()


async def test_only_what_is_to_last_waits_for_the_disk(database: Path) -> None:
    """As SQLite itself says it while the transaction runs: 2 syncs each commit, 1 now and then."""
    kept = Database(sqlite_url(database.parent))
    try:
        for lasts, level in ((False, 1), (True, 2), (True, 2), (False, 1)):
            found = await kept.commit(
                lambda connection: connection.exec_driver_sql("PRAGMA synchronous").scalar(), lasts=lasts
            )
            assert found == level
    finally:
        await kept.close()
