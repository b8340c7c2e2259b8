"""The promises of files: every change a version, none ever lost, nobody's change over another's unawares."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jackfield.contracts.files import FileStore, Point
from jackfield.errors import (
    BlobDamaged,
    Conflict,
    FileChanged,
    FileLocked,
    FileNotThere,
    FileUnreadable,
    InvalidRequest,
    NameTaken,
    VersionNotFound,
)
from jackfield.testing.contract_suites.file_store_fixtures import (
    ANN,
    BOB,
    HOME,
    FileStoreFixtures,
    generated,
    got,
    passed,
    paths,
    put,
)
from jackfield.testing.contract_suites.uploads import pieces, whole
from jackfield.testing.memory_blobs import InMemoryBlobs

BAD_PATHS = (
    *("", "/etc/passwd", "../a", "a/../b", "a/./b", "a//b", "a/", "C:\\a", "C:/a", "a\\b"),
    *("a\nb", "a\x00b", "a\x7f", " a", "a ", "a.", "a./b", "\ud800", "a\u202etxt"),
    *("x" * 256, "é" * 128, "/".join(["x" * 100] * 11)),
)
FAR = datetime(2100, 1, 1, tzinfo=UTC)


@pytest.mark.asyncio
class WritingContract(FileStoreFixtures):
    """Writing and reading."""

    async def test_a_file_comes_back_as_it_was_written(self, store: FileStore) -> None:
        written = await put(store, "notes/été.md", b"\x00 any bytes \xff", reason="a draft", change="change_1")
        assert (written.over, written.changed, written.version.number) == (0, True, 1)
        assert (written.version.action, written.version.reason, written.version.change) == (
            "written",
            "a draft",
            "change_1",
        )
        assert (written.file.author, written.file.size) == (ANN, 13)
        assert await got(store, "notes/été.md") == b"\x00 any bytes \xff"
        assert await store.files.look(HOME, "notes/été.md") == written.file
        assert await store.files.history(HOME, "notes/été.md") == (written.version,)

    async def test_every_version_can_be_read_by_number_and_by_time(self, store: FileStore) -> None:
        contents = ["", "one", "two", "three"]
        versions = [(await put(store, "a.txt", content)).version for content in contents]
        assert [version.number for version in versions] == [1, 2, 3, 4]
        for version, content in zip(versions, contents, strict=True):
            assert await got(store, "a.txt", version.number) == content.encode()
            read = await store.files.read(HOME, "a.txt", Point(at=version.written_at))
            assert (read.version, await whole(read.pieces)) == (version, content.encode())
        between = versions[2].written_at - timedelta(microseconds=1)
        assert (await store.files.read(HOME, "a.txt", Point(at=between))).version == versions[1]

    async def test_the_same_bytes_make_no_version(self, store: FileStore) -> None:
        first = await put(store, "a.txt", "one")
        again = await put(store, "a.txt", "one", actor=BOB)
        assert (again.changed, again.over, again.version, again.file) == (False, 1, first.version, first.file)

    @pytest.mark.parametrize("number", [-1, 0, 2, 10**6])
    async def test_a_version_that_is_not_there(self, store: FileStore, number: int) -> None:
        await put(store, "a.txt", "one")
        with pytest.raises(VersionNotFound, match="1 to 1"):
            await got(store, "a.txt", number)

    async def test_a_time_before_the_first_version(self, store: FileStore) -> None:
        version = (await put(store, "a.txt", "one")).version
        with pytest.raises(VersionNotFound, match="first version"):
            await store.files.read(HOME, "a.txt", Point(at=version.written_at - timedelta(seconds=1)))
        with pytest.raises(InvalidRequest, match="zone"):
            await store.files.read(HOME, "a.txt", Point(at=datetime(2026, 1, 1)))  # noqa: DTZ001 - on purpose

    @pytest.mark.parametrize("path", BAD_PATHS)
    async def test_bad_paths_are_refused_everywhere(self, store: FileStore, path: str) -> None:
        await put(store, "fine", "here")
        files = store.files
        for asked in (put(store, path, "x"), files.look(HOME, path), files.rename(HOME, "fine", path, actor=ANN)):
            with pytest.raises(InvalidRequest):
                await asked
        assert await paths(store) == ["fine"]

    async def test_paths_are_one_however_they_were_composed(self, store: FileStore) -> None:
        await put(store, "e\u0301te\u0301.txt", "one")
        assert await paths(store) == ["été.txt"]
        assert await got(store, "été.txt") == b"one"

    async def test_names_that_differ_only_in_case_are_one_name(self, store: FileStore) -> None:
        await put(store, "Notes/Straße.md", "one")
        for path in ("notes/straße.md", "NOTES/STRASSE.MD"):
            with pytest.raises(NameTaken, match=r"'Notes/Straße\.md'"):
                await put(store, path, "two")
            with pytest.raises(FileNotThere, match=r"there is 'Notes/Straße\.md'"):
                await store.files.look(HOME, path)
        await put(store, "other.md", "three")
        with pytest.raises(NameTaken):
            await store.files.rename(HOME, "other.md", "notes/straße.md", actor=ANN)
        renamed = await store.files.rename(HOME, "Notes/Straße.md", "notes/straße.md", actor=ANN)
        assert renamed.file.path == "notes/straße.md"

    async def test_a_path_is_a_file_or_a_folder(self, store: FileStore) -> None:
        await put(store, "a/b.txt", "one")
        for path in ("a", "A"):
            with pytest.raises(NameTaken, match=r"'a/b\.txt' in it"):
                await put(store, path, "two")
        for path in ("a/b.txt/c", "A/B.TXT/c/d"):
            with pytest.raises(NameTaken, match=r"'a/b\.txt', for that is a file"):
                await put(store, path, "two")
        await store.files.rename(HOME, "a/b.txt", "a/b.txt/itself", actor=ANN)
        await put(store, "a-b", "not below a")
        assert await paths(store) == ["a-b", "a/b.txt/itself"]

    async def test_large_files_stream_and_too_large_ones_leave_nothing(
        self, store: FileStore, blobs: InMemoryBlobs
    ) -> None:
        written = await store.files.write(HOME, "large.bin", generated(40 << 20), actor=ANN)
        assert written.file.size == 40 << 20
        size = 0
        async for piece in (await store.files.read(HOME, "large.bin")).pieces:
            assert len(piece) <= 4 << 20
            size += len(piece)
        assert size == 40 << 20
        taken = 0

        async def two_gigabytes() -> AsyncGenerator[bytes]:
            nonlocal taken
            async for piece in generated(2 << 30):
                taken += len(piece)
                yield piece

        with pytest.raises(InvalidRequest, match="larger than"):
            await store.files.write(HOME, "huge.bin", two_gigabytes(), actor=ANN)
        assert taken < 70 << 20
        assert await paths(store) == ["large.bin"]
        assert len([blob async for blob in blobs.all()]) == 1

    async def test_a_write_that_ends_early_leaves_nothing(self, store: FileStore, blobs: InMemoryBlobs) -> None:
        async def broken() -> AsyncGenerator[bytes]:
            yield b"abc"
            raise ConnectionResetError("the client went away")

        with pytest.raises(ConnectionResetError):
            await store.files.write(HOME, "a.txt", broken(), actor=ANN)
        with pytest.raises(FileNotThere):
            await store.files.look(HOME, "a.txt")
        assert [blob async for blob in blobs.all()] == []

    async def test_a_write_that_is_refused_in_the_end_keeps_no_bytes(
        self, store: FileStore, blobs: InMemoryBlobs
    ) -> None:
        await put(store, "a.txt", "one")

        async def overtaken() -> AsyncGenerator[bytes]:
            yield b"mine"
            await put(store, "a.txt", "two", actor=BOB)

        with pytest.raises(FileChanged):
            await store.files.write(HOME, "a.txt", overtaken(), actor=ANN, expected=1)
        assert [blob.size async for blob in blobs.all()] == [3, 3]
        assert await got(store, "a.txt") == b"two"

    async def test_what_is_expected_must_be_so(self, store: FileStore) -> None:
        await put(store, "a.txt", "one", expected=0)
        await put(store, "a.txt", "two", expected=1)
        for expected in (0, 1, 3):
            with pytest.raises(FileChanged, match="version 2, by Ann") as raised:
                await put(store, "a.txt", "three", expected=expected)
            assert raised.value.version == 2
            with pytest.raises(FileChanged):
                await store.files.delete(HOME, "a.txt", actor=ANN, expected=expected)
            with pytest.raises(FileChanged):
                await store.files.rollback(HOME, "a.txt", Point(number=1), actor=ANN, expected=expected)
        with pytest.raises(FileChanged) as raised:
            await put(store, "b.txt", "three", expected=1)
        assert raised.value.version == 0
        assert len(await store.files.history(HOME, "a.txt")) == 2

    async def test_of_two_that_expect_the_same_one_wins(self, store: FileStore, other_store: FileStore) -> None:
        await put(store, "a.txt", "one")
        stores = (store, other_store) * 4
        writes = [put(one, "a.txt", f"from {at}", expected=1) for at, one in enumerate(stores)]
        done = await asyncio.gather(*writes, return_exceptions=True)
        assert sum(isinstance(one, FileChanged) for one in done) == 7
        assert [version.number for version in await store.files.history(HOME, "a.txt")] == [1, 2]

    async def test_of_those_that_expect_nothing_every_one_is_a_version(
        self, store: FileStore, other_store: FileStore
    ) -> None:
        stores = (store, other_store) * 5
        done = await asyncio.gather(*(put(one, "new.txt", f"from {at}") for at, one in enumerate(stores)))
        assert sorted(written.version.number for written in done) == list(range(1, 11))
        kept = {await got(store, "new.txt", number) for number in range(1, 11)}
        assert kept == {f"from {at}".encode() for at in range(10)}
        assert (await store.collections.get(HOME)).files == 1

    async def test_all_that_is_appended_at_once_is_there(self, store: FileStore, other_store: FileStore) -> None:
        stores = (store, other_store) * 4
        lines = [f"line {at}\n".encode() for at in range(8)]
        await asyncio.gather(
            *(
                one.files.append(HOME, "log.txt", pieces(line), actor=ANN)
                for one, line in zip(stores, lines, strict=True)
            )
        )
        assert sorted((await got(store, "log.txt")).splitlines(keepends=True)) == lines
        history = await store.files.history(HOME, "log.txt")
        assert [version.action for version in history] == ["appended"] * 8
        assert not (await store.files.append(HOME, "log.txt", pieces(), actor=ANN)).changed

    async def test_appending_beyond_what_is_allowed_changes_nothing(self, store: FileStore) -> None:
        await store.files.write(HOME, "large.bin", generated(40 << 20), actor=ANN)
        for more in (25 << 20, 65 << 20):
            with pytest.raises(InvalidRequest, match="larger than"):
                await store.files.append(HOME, "large.bin", generated(more), actor=ANN)
        assert (await store.files.append(HOME, "large.bin", generated(2 << 20), actor=ANN)).file.size == 42 << 20


@pytest.mark.asyncio
class ChangingContract(FileStoreFixtures):
    """Going back, renaming, deleting, and taking changes back."""

    @pytest.mark.parametrize("versions", [5, 40])
    async def test_rollback_brings_any_version_back_as_a_new_one(self, store: FileStore, versions: int) -> None:
        contents = [f"content {at}".encode() * at for at in range(1, versions + 1)]
        written = [(await put(store, "a.txt", content)).version for content in contents]
        for back in (1, versions // 2):
            rolled = await store.files.rollback(HOME, "a.txt", Point(number=back), actor=BOB, reason="it was better")
            version = rolled.version
            assert (version.action, version.restored_from, version.author) == ("restored", back, BOB)
            assert (version.reason, rolled.over) == ("it was better", version.number - 1)
            assert await got(store, "a.txt") == contents[back - 1]
        rolled = await store.files.rollback(HOME, "a.txt", Point(at=written[2].written_at), actor=ANN)
        assert (rolled.version.restored_from, rolled.version.number) == (3, versions + 3)
        assert [await got(store, "a.txt", at + 1) for at in range(versions)] == contents
        assert not (await store.files.rollback(HOME, "a.txt", Point(number=3), actor=ANN)).changed

    async def test_rollback_to_what_is_not_there(self, store: FileStore) -> None:
        version = (await put(store, "a.txt", "one")).version
        for point in (Point(number=2), Point(number=0), Point(at=version.written_at - timedelta(days=1))):
            with pytest.raises(VersionNotFound):
                await store.files.rollback(HOME, "a.txt", point, actor=ANN)
        with pytest.raises(FileNotThere):
            await store.files.rollback(HOME, "b.txt", Point(number=1), actor=ANN)

    async def test_a_renamed_file_keeps_its_versions(self, store: FileStore) -> None:
        await put(store, "a.txt", "one")
        renamed = await store.files.rename(HOME, "a.txt", "b/c.txt", actor=BOB)
        assert (renamed.version.action, renamed.version.path, renamed.over) == ("renamed", "b/c.txt", 1)
        assert [version.path for version in await store.files.history(HOME, "b/c.txt")] == ["a.txt", "b/c.txt"]
        assert await got(store, "b/c.txt", 1) == b"one"
        with pytest.raises(FileNotThere):
            await store.files.look(HOME, "a.txt")
        await put(store, "a.txt", "another")
        assert (await store.files.look(HOME, "a.txt")).version == 1
        with pytest.raises(NameTaken):
            await store.files.rename(HOME, "b/c.txt", "a.txt", actor=ANN)
        assert not (await store.files.rename(HOME, "a.txt", "a.txt", actor=ANN)).changed

    async def test_a_deleted_file_is_gone_until_it_is_brought_back(self, store: FileStore) -> None:
        await put(store, "a.txt", "one")
        await put(store, "a.txt", "two")
        deleted = await store.files.delete(HOME, "a.txt", actor=BOB, reason="old")
        assert (deleted.version.action, deleted.version.number) == ("deleted", 3)
        assert deleted.file.deleted_at == deleted.version.written_at
        assert (await paths(store), await paths(store, deleted=True)) == ([], ["a.txt"])
        for asked in (store.files.look(HOME, "a.txt"), got(store, "a.txt"), store.files.history(HOME, "a.txt")):
            with pytest.raises(FileNotThere, match="Bob deleted it"):
                await asked
        assert await store.files.look(HOME, "a.txt", deleted=True) == deleted.file
        assert len(await store.files.history(HOME, "a.txt", deleted=True)) == 3
        assert await got(store, "a.txt", 1) == b"one"
        with pytest.raises(VersionNotFound, match="deleted"):
            await store.files.read(HOME, "a.txt", Point(at=FAR))
        back = await store.files.undelete(HOME, "a.txt", actor=ANN)
        assert (back.version.action, back.version.number, back.file.deleted_at) == ("undeleted", 4, None)
        assert await got(store, "a.txt") == b"two"
        assert await paths(store, deleted=True) == []

    async def test_a_path_that_is_written_again_goes_on_with_its_next_version(self, store: FileStore) -> None:
        first = await put(store, "a.txt", "one")
        await store.files.delete(HOME, "a.txt", actor=ANN)
        again = await put(store, "a.txt", "one", expected=0)
        assert (again.file.id, again.version.number, again.over, again.changed) == (first.file.id, 3, 2, True)
        assert again.file.created_at == first.file.created_at

    async def test_a_file_comes_back_beside_what_took_its_place(self, store: FileStore) -> None:
        await put(store, "a.txt", "one")
        await store.files.delete(HOME, "a.txt", actor=ANN)
        await put(store, "b.txt", "two")
        await store.files.rename(HOME, "b.txt", "a.txt", actor=ANN)
        with pytest.raises(NameTaken):
            await store.files.undelete(HOME, "a.txt", actor=ANN)
        await store.files.undelete(HOME, "a.txt", actor=ANN, as_path="a (1).txt")
        assert [await got(store, path) for path in await paths(store)] == [b"one", b"two"]
        with pytest.raises(FileNotThere):
            await store.files.undelete(HOME, "none.txt", actor=ANN)

    async def test_of_files_that_were_deleted_at_one_path_the_last_comes_back(self, store: FileStore) -> None:
        await put(store, "a.txt", "one")
        await put(store, "b.txt", "two")
        await store.files.delete(HOME, "a.txt", actor=ANN)
        await store.files.rename(HOME, "b.txt", "a.txt", actor=ANN)
        await store.files.delete(HOME, "a.txt", actor=ANN)
        assert await paths(store, deleted=True) == ["a.txt"]
        await store.files.undelete(HOME, "a.txt", actor=ANN)
        assert await got(store, "a.txt") == b"two"
        assert len(await store.files.page(HOME, deleted=True)) == 1

    async def test_purging_forgets_a_deleted_file_for_good(self, store: FileStore, blobs: InMemoryBlobs) -> None:
        await put(store, "a.txt", "shared")
        await put(store, "a.txt", "only here")
        await put(store, "b.txt", "shared")
        with pytest.raises(Conflict, match="not deleted"):
            await store.files.purge(HOME, "a.txt")
        await store.files.delete(HOME, "a.txt", actor=ANN)
        assert await store.files.purge(HOME, "a.txt") == len("shared") + len("only here")
        with pytest.raises(FileNotThere):
            await store.files.history(HOME, "a.txt", deleted=True)
        with pytest.raises(FileNotThere):
            await store.files.purge(HOME, "a.txt")
        assert [blob.size async for blob in blobs.all()] == [len("shared")]
        assert await got(store, "b.txt") == b"shared"
        assert (await put(store, "a.txt", "new")).version.number == 1

    async def test_a_change_is_taken_back_whole(self, store: FileStore) -> None:
        for path, content in (("kept", "0"), ("edited", "1"), ("moved", "2"), ("gone", "3"), ("swapped", "4")):
            await put(store, path, content)
        await put(store, "back", "5")
        await store.files.delete(HOME, "back", actor=ANN)
        before = {path: await got(store, path) for path in await paths(store)}
        change: dict[str, Any] = {"change": "change_1"}
        await put(store, "edited", "1 edited", **change)
        await put(store, "edited", "1 edited twice", **change)
        await store.files.rename(HOME, "moved", "elsewhere/moved", actor=ANN, **change)
        await put(store, "elsewhere/moved", "2 edited", **change)
        await store.files.delete(HOME, "gone", actor=ANN, **change)
        await store.files.rename(HOME, "swapped", "gone", actor=ANN, **change)
        await store.files.undelete(HOME, "back", actor=ANN, **change)
        await put(store, "made", "6", **change)
        undone = await store.files.undo(HOME, "change_1", actor=BOB)
        assert {path: await got(store, path) for path in await paths(store)} == before
        assert await paths(store, deleted=True) == ["back", "made"]
        assert len(undone) == 6
        (again,) = {one.version.change for one in undone}
        assert {one.version.author for one in undone} == {BOB}
        await store.files.undo(HOME, again, actor=BOB)
        assert "made" in await paths(store)
        assert await got(store, "elsewhere/moved") == b"2 edited"

    async def test_files_that_changed_places_change_back(self, store: FileStore) -> None:
        for path in ("a", "b", "c"):
            await put(store, path, f"was {path}")
        for path, new in (("a", "x"), ("b", "a"), ("c", "b"), ("x", "c")):
            await store.files.rename(HOME, path, new, actor=ANN, change="change_1")
        await store.files.undo(HOME, "change_1", actor=ANN)
        assert [await got(store, path) for path in ("a", "b", "c")] == [b"was a", b"was b", b"was c"]

    async def test_what_was_changed_since_is_not_taken_back_unawares(self, store: FileStore) -> None:
        await put(store, "a.txt", "one", change="change_1")
        await put(store, "b.txt", "one", change="change_1")
        await put(store, "b.txt", "two", actor=BOB)
        with pytest.raises(FileChanged, match=r"'b\.txt'.*Bob"):
            await store.files.undo(HOME, "change_1", actor=ANN)
        assert await paths(store) == ["a.txt", "b.txt"]
        await store.files.undo(HOME, "change_1", actor=ANN, force=True)
        assert await paths(store) == []
        for change in ("", "change_2"):
            with pytest.raises(VersionNotFound):
                await store.files.undo(HOME, change, actor=ANN)

    async def test_what_is_in_the_way_keeps_all_of_a_change(self, store: FileStore) -> None:
        await put(store, "a.txt", "one")
        await put(store, "c.txt", "one")
        await store.files.delete(HOME, "c.txt", actor=ANN, change="change_1")
        await store.files.rename(HOME, "a.txt", "b.txt", actor=ANN, change="change_1")
        await put(store, "A.txt", "another")
        with pytest.raises(NameTaken):
            await store.files.undo(HOME, "change_1", actor=ANN)
        assert await paths(store) == ["A.txt", "b.txt"]

    async def test_a_lock_keeps_everybody_else_out(self, store: FileStore) -> None:
        await put(store, "a.txt", "one")
        until = datetime.now(UTC) + timedelta(hours=1)
        locked = await store.files.lock(HOME, "a.txt", actor=ANN, until=until)
        assert locked.lock is not None
        assert (locked.lock.by, locked.lock.until) == (ANN, until)
        files = store.files
        for refused in (
            put(store, "a.txt", "two", actor=BOB),
            files.append(HOME, "a.txt", pieces(b"two"), actor=BOB),
            files.rename(HOME, "a.txt", "b.txt", actor=BOB),
            files.delete(HOME, "a.txt", actor=BOB),
            files.rollback(HOME, "a.txt", Point(number=1), actor=BOB),
            files.lock(HOME, "a.txt", actor=BOB, until=until),
            files.unlock(HOME, "a.txt", actor=BOB),
        ):
            with pytest.raises(FileLocked, match="Ann holds"):
                await refused
        await put(store, "a.txt", "two")
        longer = await files.lock(HOME, "a.txt", actor=ANN, until=until + timedelta(hours=1))
        assert longer.lock is not None
        assert longer.lock.until == until + timedelta(hours=1)
        assert (await files.unlock(HOME, "a.txt", actor=BOB, force=True)).lock is None
        await put(store, "a.txt", "three", actor=BOB)

    async def test_a_lock_ends_by_itself_and_with_its_file(self, store: FileStore) -> None:
        await put(store, "a.txt", "one")
        soon = datetime.now(UTC) + timedelta(milliseconds=50)
        await store.files.lock(HOME, "a.txt", actor=ANN, until=soon)
        await passed(soon)
        assert (await store.files.look(HOME, "a.txt")).lock is None
        await put(store, "a.txt", "two", actor=BOB)
        await store.files.lock(HOME, "a.txt", actor=ANN, until=FAR)
        await store.files.delete(HOME, "a.txt", actor=ANN)
        await put(store, "a.txt", "three", actor=BOB)
        with pytest.raises(InvalidRequest, match="past"):
            await store.files.lock(HOME, "a.txt", actor=ANN, until=datetime(2020, 1, 1, tzinfo=UTC))


@pytest.mark.asyncio
class LookingContract(FileStoreFixtures):
    """Lists, texts, and bytes that are not what they were."""

    async def test_files_come_by_the_page_in_the_order_of_their_paths(self, store: FileStore) -> None:
        for path in ("b/é", "a", "b/Z", "b.txt", "b/a/x", "B2", "ba"):
            await put(store, path, path)
        await put(store, "b/0", "gone")
        await store.files.delete(HOME, "b/0", actor=ANN)
        listed = ["B2", "a", "b.txt", "b/Z", "b/a/x", "b/é", "ba"]
        assert await paths(store) == listed
        assert await paths(store, limit=3) == listed[:3]
        assert await paths(store, limit=3, after="b.txt") == listed[3:6]
        assert await paths(store, under="b") == await paths(store, under="b/") == ["b/Z", "b/a/x", "b/é"]
        assert await paths(store, under="b", after="b/a") == ["b/a/x", "b/é"]
        assert await paths(store, under="none") == []
        assert await paths(store, under="b", deleted=True) == ["b/0"]
        with pytest.raises(InvalidRequest):
            await paths(store, under="../b")

    async def test_changes_of_all_files_come_newest_first(self, store: FileStore) -> None:
        versions = [(await put(store, f"{at % 2}.txt", f"{at}")).version for at in range(5)]
        assert await store.files.changes(HOME) == tuple(reversed(versions))
        assert await store.files.changes(HOME, limit=2) == (versions[4], versions[3])
        assert await store.files.changes(HOME, since=versions[3].written_at) == (versions[4], versions[3])

    async def test_the_text_of_a_version(self, store: FileStore) -> None:
        await put(store, "a.txt", "one")
        await put(store, "a.txt", "two")
        assert await store.files.text(HOME, "a.txt") == "two"
        assert await store.files.text(HOME, "a.txt", Point(number=1)) == "one"
        await put(store, "blank.txt", " \n")
        assert await store.files.text(HOME, "blank.txt") == " \n"

    async def test_a_text_that_waits_for_the_index_is_read_at_once(
        self, store: FileStore, blobs: InMemoryBlobs
    ) -> None:
        assert (await put(store, "a.doc", "quietly")).file.index == "pending"
        assert await store.files.text(HOME, "a.doc") == "QUIETLY"
        assert (await store.files.look(HOME, "a.doc")).index == "indexed"
        (text,) = [
            blob.digest async for blob in blobs.all() if blob.digest != (await store.files.look(HOME, "a.doc")).digest
        ]
        blobs.damage(text, None)
        assert await store.files.text(HOME, "a.doc") == "QUIETLY"
        blobs.damage(text, b"LOUDLY!")
        assert await store.files.text(HOME, "a.doc") == "QUIETLY"
        await store.files.delete(HOME, "a.doc", actor=ANN)
        await store.files.purge(HOME, "a.doc")
        assert [blob async for blob in blobs.all()] == []

    async def test_a_renamed_file_is_read_as_what_it_is_called_now(self, store: FileStore) -> None:
        await put(store, "a.txt", "quietly")
        await store.files.rename(HOME, "a.txt", "a.doc", actor=ANN)
        assert await store.files.text(HOME, "a.doc") == "QUIETLY"
        assert await store.files.text(HOME, "a.doc", Point(number=1)) == "quietly"
        await store.files.rename(HOME, "a.doc", "a.bin", actor=ANN)
        assert (await store.files.look(HOME, "a.bin")).index == "skipped"
        await store.files.delete(HOME, "a.bin", actor=ANN)
        await store.files.undelete(HOME, "a.bin", actor=ANN, as_path="b.txt")
        assert await store.files.text(HOME, "b.txt") == "quietly"
        await put(store, "b.txt", "else")
        await store.files.rollback(HOME, "b.txt", Point(number=2), actor=ANN)
        assert await store.files.text(HOME, "b.txt") == "quietly"

    async def test_a_file_without_text_says_why(self, store: FileStore) -> None:
        await put(store, "a.bin", b"\x00\x01")
        await put(store, "locked.doc", "%locked")
        await put(store, "large.txt", b"x" * (2 << 20))
        for path, why in (("a.bin", "kind"), ("locked.doc", "encrypted"), ("large.txt", "beyond")):
            with pytest.raises(FileUnreadable, match=why):
                await store.files.text(HOME, path)
        assert await got(store, "locked.doc") == b"%locked"

    @pytest.mark.parametrize("damaged", [b"other", None])
    async def test_damaged_bytes_are_told_of_by_name_and_all_else_is_served(
        self, store: FileStore, blobs: InMemoryBlobs, damaged: bytes | None
    ) -> None:
        await put(store, "a.txt", "one")
        await put(store, "b.txt", "fine")
        digest = (await put(store, "a.txt", "two")).file.digest
        blobs.damage(digest, damaged)
        for asked in (
            store.files.read(HOME, "a.txt"),
            store.files.text(HOME, "a.txt"),
            store.files.append(HOME, "a.txt", pieces(b"!"), actor=ANN),
        ):
            with pytest.raises(BlobDamaged, match=r"version 2 of 'a\.txt'"):
                await asked
        assert (await got(store, "a.txt", 1), await got(store, "b.txt")) == (b"one", b"fine")
        await store.files.rollback(HOME, "a.txt", Point(number=1), actor=ANN)
        assert await got(store, "a.txt") == b"one"
        assert (await put(store, "a.txt", "two")).changed
        assert await got(store, "a.txt", 2) == b"two"

    async def test_a_large_damaged_file_is_told_of_in_the_end(self, store: FileStore, blobs: InMemoryBlobs) -> None:
        digest = (await store.files.write(HOME, "large.bin", generated(12 << 20), actor=ANN)).file.digest
        blobs.damage(digest, bytes(12 << 20))
        read = await store.files.read(HOME, "large.bin")
        assert await anext(read.pieces) == bytes(1 << 20)
        with pytest.raises(BlobDamaged, match=r"version 1 of 'large\.bin'"):
            await whole(read.pieces)
        blobs.damage(digest, None)
        with pytest.raises(BlobDamaged):
            await store.files.read(HOME, "large.bin")
