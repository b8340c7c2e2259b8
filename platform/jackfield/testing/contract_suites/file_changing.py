"""The promises of changing files: going back, renaming, deleting, locking, and taking changes back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jackfield.contracts.files import FileStore, Point
from jackfield.errors import (
    Conflict,
    FileChanged,
    FileLocked,
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
    got,
    passed,
    paths,
    put,
)
from jackfield.testing.contract_suites.uploads import pieces
from jackfield.testing.memory_blobs import InMemoryBlobs

FAR = datetime(2100, 1, 1, tzinfo=UTC)


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
