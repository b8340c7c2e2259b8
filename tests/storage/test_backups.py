"""Backups: everything comes back, from any kind of database to any other, or nothing changes."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import tarfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import msgspec
import pytest
from msgspec.structs import replace

from jackfield.contracts.budgets import Budget, Reservation, Spending
from jackfield.contracts.files import CommonFile, FileStore, Grant, Point, Query, VerifyReport
from jackfield.contracts.identity import Account, AuditEntry, Holder, Team
from jackfield.contracts.records import StateStore, sqlite_url
from jackfield.contracts.uploads import Upload
from jackfield.errors import Conflict, InvalidRequest, JackfieldError, NameTaken, StateUnavailable
from jackfield.messages import Message
from jackfield.testing.contract_suites.file_store_fixtures import ANN, HOME, got, put
from jackfield.testing.contract_suites.identity_records import a_key, a_session, a_user, an_invitation
from jackfield.testing.contract_suites.memory import a_unit
from jackfield.testing.contract_suites.records_made import NOON, a_model, a_run, numbered, words
from jackfield.testing.contract_suites.uploads import PLENTY, pieces, whole
from jackfield.testing.file_store_parts import plain_parts
from jackfield.testing.word_embedder import WordEmbedder
from jackfield_migrations import scripts
from jackfield_migrations.archivist import TarArchivist
from jackfield_migrations.connections import alone
from jackfield_migrations.migrator import AlembicMigrator
from jackfield_migrations.revisions import newest_revision
from jackfield_storage.addresses import blocking_url
from jackfield_storage.blobs import FileBlobs
from jackfield_storage.memory.store import SqlMemories
from jackfield_storage.semantic_files.store import SqlFileStores
from jackfield_storage.state_store import SqlStateStoreFactory

POSTGRES = os.environ.get("JACKFIELD_TEST_POSTGRES", "")
CONTENT = b"\x00 any bytes \xff" * 100_000
ACCOUNT = Account(user_id="user_1", team_id="team_1", key_id="key_1")

MakeDatabase = Callable[[], str]


@pytest.fixture
def sqlite(tmp_path: Path) -> MakeDatabase:
    """Makes addresses of files that are not there yet."""
    return lambda: sqlite_url(tmp_path / uuid4().hex)


@pytest.fixture
def postgres() -> Iterator[MakeDatabase]:
    """Makes schemas on the server that JACKFIELD_TEST_POSTGRES names."""
    if not POSTGRES:
        pytest.skip("JACKFIELD_TEST_POSTGRES names no server (such as postgresql://user@localhost/name)")
    import psycopg

    made: list[str] = []
    with psycopg.connect(POSTGRES.replace("+psycopg", ""), autocommit=True) as connection:

        def make() -> str:
            made.append(f"jackfield_{uuid4().hex}")
            connection.execute(f"CREATE SCHEMA {made[-1]}")
            return f"{POSTGRES}?options=-csearch_path%3D{made[-1]}"

        yield make
        for schema in made:
            connection.execute(f"DROP SCHEMA {schema} CASCADE")


KINDS = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]


@pytest.fixture(params=KINDS)
def origin(request: pytest.FixtureRequest, blobs: FileBlobs) -> str:
    """The address of a database with something of everything."""
    url: str = request.getfixturevalue(request.param)()
    AlembicMigrator().upgrade(url)
    asyncio.run(fill(url, blobs))
    return url


@pytest.fixture(params=KINDS)
def target(request: pytest.FixtureRequest) -> str:
    """The address of a database without tables."""
    url: str = request.getfixturevalue(request.param)()
    return url


@pytest.fixture
def blobs(tmp_path: Path) -> FileBlobs:
    """Where the bytes of uploads and files are."""
    blobs = FileBlobs(tmp_path / "blobs")
    assert asyncio.run(blobs.put(pieces(CONTENT), most=PLENTY)) == (UPLOAD.digest, UPLOAD.size)
    return blobs


UPLOAD = Upload(
    id="file_1",
    filename="täble\u2028.bin",
    purpose="user_data",
    size=len(CONTENT),
    digest="b450b283222739908206b60bfd79cde685bc238574b2dc8f92b85d2e7c7595a8",
    created_at=NOON,
)


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[StateStore]:
    """The store at an address."""
    store = await SqlStateStoreFactory().open(url)
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def opened_files(url: str, blobs: FileBlobs) -> AsyncIterator[FileStore]:
    """The files at an address."""
    async with opened(url) as store:
        files = SqlFileStores().open(store, plain_parts(blobs=blobs))
        try:
            yield files
        finally:
            await files.close()


async def fill(url: str, blobs: FileBlobs) -> None:
    """Something of everything, and more events than are read at a time."""
    await fill_state(url)
    await fill_files(url, blobs)
    async with opened(url) as store:
        memory = SqlMemories().open(store, WordEmbedder())
        await memory.remember(a_unit("My dog is called Rex."))
        await memory.close()


async def fill_files(url: str, blobs: FileBlobs) -> None:
    """Files with versions, one deleted, a document whose text is a blob of its own, a link, a watched folder."""
    async with opened_files(url, blobs) as store:
        await store.collections.add(HOME, quota_bytes=2**40)
        await store.collections.grant(HOME, Grant(kind="everyone", level="read"))
        for content in ("the price of tea", "the price of coffee"):
            await put(store, "notes/drinks.md", content, reason="prices", change="change_1")
        await put(store, "été.doc", "quietly")
        assert await store.files.text(HOME, "été.doc") == "QUIETLY"
        await put(store, "gone.txt", b"\x00\xff any bytes")
        await store.files.delete(HOME, "gone.txt", actor=ANN)
        await store.files.lock(HOME, "été.doc", actor=ANN, until=datetime(2100, 1, 1, tzinfo=UTC))
        await store.links.add(HOME, "notes/drinks.md", "token", actor=ANN, version=1)
        watch = await store.watches.open(HOME, machine="m", folder="/f", under="notes", both_ways=True)
        drinks = await store.files.look(HOME, "notes/drinks.md")
        common = CommonFile(
            path="drinks.md",
            file_id=drinks.id,
            version=2,
            digest=drinks.digest,
            size=drinks.size,
            modified_ns=2**62,
            inode="1:2",
        )
        await store.watches.advance(watch.id, [common], [])


async def fill_state(url: str) -> None:
    """Models, conversations, runs and people."""
    async with opened(url) as store:
        await store.models.put(a_model())
        conversation = await store.conversations.add('A "title"\nof two lines \\ and é')
        await store.conversations.append(conversation.id, Message.of("user", "Hello \u0000"))
        run = replace(a_run(), account=ACCOUNT)
        amount = Spending(tokens=2**40, money=3)
        await store.runs.add(run, Reservation(id=run.id, holders=ACCOUNT.holders, amount=amount, at=NOON))
        await store.runs.claim(run.id, "worker_1", until=NOON + timedelta(days=9999, microseconds=1))
        await store.runs.append(run.id, numbered(run.id, words(1200)))
        await store.budgets.put(Budget(holder=Holder("user", "user_1"), period="day", tokens=2**50))
        identity = store.identity
        await identity.teams.add(Team(id="team_1", name="Lab", created_at=NOON))
        user = replace(a_user(role="admin", team_id="team_1"), active=False)
        await identity.users.add(user, password_hash="argon2")
        await identity.keys.add(replace(a_key(user), revoked_at=NOON), secret_hash="h")
        await identity.sessions.add(a_session(user))
        await identity.invitations.add(an_invitation(team_id="team_1"), token_hash="t")
        entry = AuditEntry(id="audit_1", at=NOON, actor="user_1", action="key.revoke", target="k", detail={"a": [1]})
        await identity.audit.add(entry)
        await store.uploads.add(UPLOAD)


async def everything(url: str) -> list[object]:
    """All that a store shows."""
    async with opened(url) as store:
        runs, users = await store.runs.recent(), await store.identity.users.page()
        conversations = await store.conversations.recent()
        return [
            await store.models.all(),
            conversations,
            [await store.conversations.messages(conversation.id) for conversation in conversations],
            runs,
            [await store.runs.events(run.id) for run in runs],
            await store.budgets.all(),
            await store.budgets.use(ACCOUNT.holders, ["2026-03-01", "2026-03"]),
            users,
            [await store.identity.users.password_hash(user.id) for user in users],
            await store.identity.teams.page(),
            await store.identity.keys.by_hash("h"),
            await store.identity.invitations.by_hash("t"),
            await store.identity.audit.page(),
            await store.uploads.page(),
        ]


async def all_files(url: str, blobs: FileBlobs) -> list[object]:
    """All that a file store shows."""
    async with opened_files(url, blobs) as store:
        files = (*await store.files.page(HOME), *await store.files.page(HOME, deleted=True))
        versions = [await store.files.history(HOME, file.path, deleted=True) for file in files]
        (watch,) = await store.watches.all()
        return [
            await store.collections.all(),
            files,
            versions,
            [await got(store, version.path, version.number) for each in versions for version in each],
            await store.files.text(HOME, "été.doc"),
            await store.links.all(HOME),
            watch,
            await store.watches.files(watch.id),
            [await store.index.search(Query(text=text, collections=(HOME,))) for text in ("coffee", "price of tea")],
            await store.verify(deep=True),
        ]


def test_files_come_back_with_every_version_and_are_found(
    origin: str, target: str, blobs: FileBlobs, tmp_path: Path
) -> None:
    archive, elsewhere = tmp_path / "backup.tar", FileBlobs(tmp_path / "elsewhere")
    TarArchivist().backup(origin, blobs, archive)
    TarArchivist().restore(archive, target, elsewhere)
    back = asyncio.run(all_files(target, elsewhere))
    assert back == asyncio.run(all_files(origin, blobs))
    report = back[-1]
    assert isinstance(report, VerifyReport)
    assert (report.faults, report.files, report.blobs) == ((), 3, 6)


def test_what_is_written_after_a_restore_is_found_too(
    origin: str, target: str, blobs: FileBlobs, tmp_path: Path
) -> None:
    archive = tmp_path / "backup.tar"
    TarArchivist().backup(origin, blobs, archive)
    TarArchivist().restore(archive, target, blobs)

    async def written() -> list[str]:
        async with opened_files(target, blobs) as store:
            await put(store, "new.md", "bananas are yellow")
            await store.files.rollback(HOME, "notes/drinks.md", Point(number=1), actor=ANN)
            found = [await store.index.search(Query(text=text, collections=(HOME,))) for text in ("bananas", "tea")]
            assert (await store.verify()).faults == ()
            return [result.found[0].path for result in found]

    assert asyncio.run(written()) == ["new.md", "notes/drinks.md"]


def test_everything_comes_back(origin: str, target: str, blobs: FileBlobs, tmp_path: Path) -> None:
    archive, elsewhere = tmp_path / "backup.tar", FileBlobs(tmp_path / "elsewhere")
    held = TarArchivist().backup(origin, blobs, archive)
    assert held.rows["run_events"] == 1200
    assert set(held.rows.values()) >= {1, 6, 1200}
    assert {name for name, rows in held.rows.items() if not rows} <= {"index_leases"}
    assert (held.blobs, held.missing_blobs) == (6, ())
    assert archive.stat().st_mode & 0o777 == 0o600

    assert TarArchivist().restore(archive, target, elsewhere) == held
    assert asyncio.run(everything(target)) == asyncio.run(everything(origin))
    assert asyncio.run(whole(elsewhere.read(UPLOAD.digest))) == CONTENT
    assert AlembicMigrator().upgrade(target) == ()

    async def settles() -> bool:
        async with opened(target) as store:
            (run,) = await store.runs.recent()
            return await store.budgets.settle(run.id, Spending(tokens=1))

    assert asyncio.run(settles())


def test_a_database_that_holds_something_is_replaced_only_when_told_to(
    origin: str, target: str, blobs: FileBlobs, tmp_path: Path
) -> None:
    archive = tmp_path / "backup.tar"
    TarArchivist().backup(origin, blobs, archive)
    AlembicMigrator().upgrade(target)

    async def note() -> None:
        async with opened(target) as store:
            await store.runs.add(a_run())

    asyncio.run(note())
    before = asyncio.run(everything(target))
    with pytest.raises(Conflict, match=r"runs.*--replace"):
        TarArchivist().restore(archive, target, blobs)
    assert asyncio.run(everything(target)) == before
    TarArchivist().restore(archive, target, blobs, replace=True)
    assert asyncio.run(everything(target)) == asyncio.run(everything(origin))


def test_what_fails_half_way_leaves_the_database_as_it_was(
    origin: str, target: str, blobs: FileBlobs, tmp_path: Path
) -> None:
    archive = tmp_path / "backup.tar"
    TarArchivist().backup(origin, blobs, archive)
    AlembicMigrator().upgrade(target)
    asyncio.run(fill(target, blobs))
    before = asyncio.run(everything(target))
    with pytest.raises(JackfieldError):
        TarArchivist().restore(archive, target, FileBlobs(Path("/proc/nowhere")), replace=True)
    assert asyncio.run(everything(target)) == before


def test_a_backup_of_an_older_revision_is_brought_up_to_date(target: str, blobs: FileBlobs, tmp_path: Path) -> None:
    old, archive = sqlite_url(tmp_path / "old"), tmp_path / "backup.tar"
    AlembicMigrator().upgrade(old)
    with alone(blocking_url(old)) as connection:
        scripts.downgrade(connection, "0001")
        connection.exec_driver_sql(
            "INSERT INTO conversations VALUES ('conv_1', 'Old', NULL, '2026-03-01 12:00:00', '2026-03-01 12:00:00')"
        )
    assert TarArchivist().backup(old, blobs, archive).revision == "0001"
    TarArchivist().restore(archive, target, blobs)
    assert AlembicMigrator().current(target) == newest_revision()

    async def titles() -> list[str]:
        async with opened(target) as store:
            return [conversation.title for conversation in await store.conversations.recent()]

    assert asyncio.run(titles()) == ["Old"]


@pytest.fixture
def archive(sqlite: MakeDatabase, blobs: FileBlobs, tmp_path: Path) -> Path:
    """A backup of a filled SQLite database."""
    url, path = sqlite(), tmp_path / "backup.tar"
    AlembicMigrator().upgrade(url)
    asyncio.run(fill(url, blobs))
    TarArchivist().backup(url, blobs, path)
    return path


def refused(archive: Path, sqlite: MakeDatabase, blobs: FileBlobs, match: str) -> None:
    """Asserts that an archive is refused in a sentence, and makes nothing."""
    target = sqlite()
    with pytest.raises(InvalidRequest, match=match):
        TarArchivist().restore(archive, target, blobs)
    assert AlembicMigrator().current(target) is None


@pytest.mark.parametrize("kept", [0, 100, 5000, 12_000])
def test_an_archive_that_was_cut_short_is_refused(
    archive: Path, sqlite: MakeDatabase, blobs: FileBlobs, kept: int
) -> None:
    archive.write_bytes(archive.read_bytes()[:kept])
    refused(archive, sqlite, blobs, "no whole backup")


def test_any_changed_byte_of_a_table_is_noticed(archive: Path, sqlite: MakeDatabase, blobs: FileBlobs) -> None:
    with tarfile.open(archive) as tar:
        place = tar.getmember("tables/run_events.jsonl.zst").offset_data
    content = bytearray(archive.read_bytes())
    content[place + 40] ^= 1
    archive.write_bytes(content)
    refused(archive, sqlite, blobs, r"run_events.*checksum")


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        (b'"revision": "%s"', b'"revision": "9999"', "'9999'.*newer Jackfield"),
        (b'"format": 1', b'"format": 2', "form 2"),
    ],
)
def test_an_archive_of_a_newer_jackfield_is_refused(
    archive: Path, sqlite: MakeDatabase, blobs: FileBlobs, old: bytes, new: bytes, match: str
) -> None:
    old = old % newest_revision().encode() if b"%s" in old else old
    assert old in archive.read_bytes()
    archive.write_bytes(archive.read_bytes().replace(old, new))
    refused(archive, sqlite, blobs, match)


def test_no_file_and_no_archive(tmp_path: Path, sqlite: MakeDatabase, blobs: FileBlobs) -> None:
    refused(tmp_path / "none.tar", sqlite, blobs, "There is no file")
    (tmp_path / "text.tar").write_text("Dear diary")
    refused(tmp_path / "text.tar", sqlite, blobs, "no tar file")


def test_a_file_is_never_written_over(archive: Path, sqlite: MakeDatabase, blobs: FileBlobs) -> None:
    url, before = sqlite(), archive.read_bytes()
    AlembicMigrator().upgrade(url)
    with pytest.raises(NameTaken):
        TarArchivist().backup(url, blobs, archive)
    assert archive.read_bytes() == before


def test_a_backup_of_nothing_leaves_no_file(tmp_path: Path, sqlite: MakeDatabase, blobs: FileBlobs) -> None:
    url = sqlite()
    with pytest.raises(StateUnavailable, match="nothing to back up"):
        TarArchivist().backup(url, blobs, tmp_path / "backup.tar")
    AlembicMigrator().upgrade(url)
    with closing(sqlite3.connect(f"{blocking_url(url).database}")) as connection, connection:
        connection.execute("DROP TABLE alembic_version")
    with pytest.raises(StateUnavailable, match="nothing to back up"):
        TarArchivist().backup(url, blobs, tmp_path / "backup.tar")
    assert [path.name for path in tmp_path.iterdir() if "backup" in path.name] == []


def test_bytes_that_are_gone_are_told_of(archive: Path, sqlite: MakeDatabase, tmp_path: Path) -> None:
    target, again = sqlite(), tmp_path / "again.tar"
    empty = FileBlobs(tmp_path / "empty")
    TarArchivist().restore(archive, target, empty)
    shutil.rmtree(tmp_path / "empty")
    held = TarArchivist().backup(target, empty, again)
    assert held.blobs == 0
    assert UPLOAD.digest in held.missing_blobs
    assert len(held.missing_blobs) == 6


def test_writers_are_not_in_the_way_of_a_backup(origin: str, blobs: FileBlobs, tmp_path: Path) -> None:
    """A backup sees one state: as many events as it had when it began, for every run at once."""

    async def write(stop: asyncio.Event) -> None:
        async with opened(origin) as store:
            one, other = a_run(), a_run()
            for run in (one, other):
                await store.runs.add(run)
                await store.runs.claim(run.id, "worker", until=NOON + timedelta(days=9999))
            number = 1
            while not stop.is_set():
                batches = [(run.id, numbered(run.id, words(1), first=number)) for run in (one, other)]
                assert await store.runs.append_all(batches, worker="worker") == ()
                number += 1

    async def both() -> list[int]:
        stop = asyncio.Event()
        writing = asyncio.create_task(write(stop))
        await asyncio.sleep(0.2)
        counts = []
        for number in range(3):
            path = tmp_path / f"backup{number}.tar"
            held = await asyncio.to_thread(TarArchivist().backup, origin, blobs, path)
            counts.append(held.rows["run_events"])
        stop.set()
        await writing
        return counts

    counts = asyncio.run(both())
    assert all(count % 2 == 0 for count in counts)


def test_the_manifest_says_what_there_is(archive: Path) -> None:
    with tarfile.open(archive) as tar:
        names = tar.getnames()
        file = tar.extractfile("manifest.json")
        assert file is not None
        manifest = msgspec.json.decode(file.read())
    assert names[-1] == "manifest.json"
    assert manifest["revision"] == newest_revision()
    assert {table["name"] for table in manifest["tables"]} == {
        name.split("/")[1].split(".")[0] for name in names if name.startswith("tables/")
    }


def test_a_database_whose_runs_are_executed_now_is_replaced_only_by_force(
    origin: str, target: str, blobs: FileBlobs, tmp_path: Path
) -> None:
    archive = tmp_path / "backup.tar"
    TarArchivist().backup(origin, blobs, archive)
    AlembicMigrator().upgrade(target)

    async def execute(until: datetime) -> None:
        async with opened(target) as store:
            run = a_run()
            await store.runs.add(run)
            assert await store.runs.claim(run.id, "worker", until=until)

    asyncio.run(execute(datetime.now(UTC) - timedelta(seconds=5)))  # its worker died
    TarArchivist().restore(archive, target, blobs, replace=True)
    asyncio.run(execute(datetime.now(UTC) + timedelta(hours=1)))
    before = asyncio.run(everything(target))
    with pytest.raises(Conflict, match=r"execute now.*--force"):
        TarArchivist().restore(archive, target, blobs, replace=True)
    assert asyncio.run(everything(target)) == before
    TarArchivist().restore(archive, target, blobs, replace=True, force=True)
    assert asyncio.run(everything(target)) == asyncio.run(everything(origin))
