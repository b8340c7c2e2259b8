"""The promises of writing files: every write a version, nobody's over another's unawares."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from datetime import datetime, timedelta

import pytest

from jackfield.contracts.files import FileStore, Point
from jackfield.errors import (
    FileChanged,
    FileNotThere,
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


@pytest.mark.asyncio
class WritingContract(FileStoreFixtures):
    """Writing and reading."""

    async def test_what_not_every_database_keeps_is_refused(self, store: FileStore) -> None:
        """A backup of one could else not be restored into the other."""
        with pytest.raises(InvalidRequest, match="'reason' has a NUL"):
            await put(store, "a.txt", "abc", reason="why\0")
        with pytest.raises(InvalidRequest, match="'change' has a NUL"):
            await put(store, "a.txt", "abc", change="why\0")
        assert await store.files.page(HOME) == ()

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
