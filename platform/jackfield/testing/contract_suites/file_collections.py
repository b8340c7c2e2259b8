"""The promises of collections: names, grants, quotas, and what goes with them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest

from jackfield.contracts.files import FileStore, Grant
from jackfield.errors import CollectionNotFound, Conflict, InvalidRequest, NameTaken, StorageFull
from jackfield.testing.contract_suites.file_store_fixtures import (
    ANN,
    HOME,
    FileStoreFixtures,
    generated,
    got,
    paths,
    put,
)
from jackfield.testing.contract_suites.uploads import pieces
from jackfield.testing.memory_blobs import InMemoryBlobs


@pytest.mark.asyncio
class CollectionsContract(FileStoreFixtures):
    """Collections."""

    async def test_collections_are_listed_by_name(self, store: FileStore) -> None:
        for name in ("work", "Archive", "personal-user_1", "été 2026"):
            await store.collections.add(name)
        names = [one.name for one in await store.collections.all()]
        assert names == ["Archive", "main", "personal-user_1", "work", "été 2026"]

    async def test_a_collection_comes_back_as_it_was_made(self, store: FileStore) -> None:
        made = await store.collections.add("work", owner_id="user_1", quota_bytes=1 << 40)
        assert await store.collections.get("work") == made
        assert (made.owner_id, made.quota_bytes, made.used_bytes, made.files) == ("user_1", 1 << 40, 0, 0)

    async def test_one_that_is_not_there(self, store: FileStore) -> None:
        for asked in (store.collections.get("none"), store.files.page("none"), put(store, "a", "b", collection="none")):
            with pytest.raises(CollectionNotFound, match="'none'"):
                await asked

    @pytest.mark.parametrize(
        "name", ["", " ", "a/b", "..", ".hidden", "a:b", "tail.", "tail ", "x" * 101, "a\nb", "\ud800"]
    )
    async def test_bad_names_are_refused(self, store: FileStore, name: str) -> None:
        with pytest.raises(InvalidRequest):
            await store.collections.add(name)

    @pytest.mark.parametrize("name", ["main", "MAIN"])
    async def test_a_name_is_taken_once_in_any_case(self, store: FileStore, name: str) -> None:
        with pytest.raises(NameTaken, match="'main'"):
            await store.collections.add(name)
        await store.collections.add("other")
        with pytest.raises(NameTaken, match="'main'"):
            await store.collections.rename("other", name)

    async def test_a_name_that_many_want_at_once_goes_to_one(self, store: FileStore, other_store: FileStore) -> None:
        stores = (store, other_store) * 3
        made = await asyncio.gather(*(one.collections.add("new") for one in stores), return_exceptions=True)
        assert sorted(type(one).__name__ for one in made) == ["Collection", *["NameTaken"] * 5]

    async def test_of_names_that_differ_only_in_case_one_is_given(
        self, store: FileStore, other_store: FileStore
    ) -> None:
        for number in range(5):
            names = [(store, f"Team {number}"), (other_store, f"TEAM {number}"), (store, f"team {number}")]
            made = await asyncio.gather(*(one.collections.add(name) for one, name in names), return_exceptions=True)
            assert sorted(type(one).__name__ for one in made) == ["Collection", "NameTaken", "NameTaken"]

    async def test_renaming_keeps_everything_else(self, store: FileStore) -> None:
        await put(store, "a.txt", "one")
        before = await store.collections.get(HOME)
        after = await store.collections.rename(HOME, "Main")
        assert (after.id, after.name, after.files) == (before.id, "Main", 1)
        assert await got(store, "a.txt", collection="Main") == b"one"
        with pytest.raises(CollectionNotFound):
            await store.collections.get(HOME)

    async def test_a_grant_replaces_its_holders_last(self, store: FileStore) -> None:
        everyone, ann = Grant(kind="everyone", level="read"), Grant(kind="user", id="user_ann", level="write")
        await store.collections.grant(HOME, everyone)
        await store.collections.grant(HOME, Grant(kind="user", id="user_ann", level="read"))
        assert set((await store.collections.grant(HOME, ann)).grants) == {everyone, ann}
        assert (await store.collections.withdraw(HOME, "everyone")).grants == (ann,)
        assert (await store.collections.withdraw(HOME, "user", "nobody")).grants == (ann,)

    async def test_only_one_without_files_is_removed_with_all_its_versions(
        self, store: FileStore, blobs: InMemoryBlobs
    ) -> None:
        await put(store, "a.txt", "one")
        await put(store, "a.txt", "two")
        with pytest.raises(Conflict, match="has files"):
            await store.collections.remove(HOME)
        await store.files.delete(HOME, "a.txt", actor=ANN)
        await store.collections.remove(HOME)
        assert await store.collections.all() == ()
        assert [blob async for blob in blobs.all()] == []
        await store.collections.add(HOME)
        assert await paths(store, deleted=True) == []


@pytest.mark.asyncio
class QuotasContract(FileStoreFixtures):
    """How much a collection holds."""

    async def test_every_version_that_brings_bytes_counts(self, store: FileStore) -> None:
        await put(store, "a.txt", "12345")
        await put(store, "a.txt", "678")
        await put(store, "a.txt", "678")
        await store.files.append(HOME, "a.txt", pieces(b"9"), actor=ANN)
        await store.files.rename(HOME, "a.txt", "b.txt", actor=ANN)
        await store.files.delete(HOME, "b.txt", actor=ANN)
        home = await store.collections.get(HOME)
        assert (home.used_bytes, home.files) == (5 + 3 + 4, 0)

    async def test_no_room_says_what_is_used_and_what_to_do(self, store: FileStore, blobs: InMemoryBlobs) -> None:
        await store.collections.set_quota(HOME, 10_000)
        await put(store, "a.txt", b"x" * 7_000)
        with pytest.raises(StorageFull, match=r"3\.0 kB left of 10\.0 kB.*7\.0 kB.*[Pp]urge"):
            await put(store, "b.txt", b"y" * 3_001)
        assert len([blob async for blob in blobs.all()]) == 1
        await put(store, "b.txt", b"y" * 3_000)
        with pytest.raises(StorageFull):
            await store.files.append(HOME, "b.txt", pieces(b"z"), actor=ANN)
        assert await got(store, "b.txt") == b"y" * 3_000

    async def test_what_brings_no_bytes_always_has_room(self, store: FileStore) -> None:
        await put(store, "a.txt", "one")
        await put(store, "a.txt", "two")
        await store.collections.set_quota(HOME, 1)
        assert not (await put(store, "a.txt", "two")).changed
        await store.files.rename(HOME, "a.txt", "b.txt", actor=ANN)
        await store.files.delete(HOME, "b.txt", actor=ANN)
        await store.files.undelete(HOME, "b.txt", actor=ANN)
        assert await got(store, "b.txt") == b"two"

    async def test_purging_and_raising_give_room(self, store: FileStore) -> None:
        await store.collections.set_quota(HOME, 5)
        await put(store, "a.txt", "12345")
        await store.files.delete(HOME, "a.txt", actor=ANN)
        with pytest.raises(StorageFull):
            await put(store, "b.txt", "1")
        assert await store.files.purge(HOME, "a.txt") == 5
        await put(store, "b.txt", "12345")
        assert (await store.collections.set_quota(HOME, None)).quota_bytes is None
        await put(store, "c.txt", "1")
        assert (await store.collections.get(HOME)).used_bytes == 6

    async def test_a_quota_below_nothing_is_refused(self, store: FileStore) -> None:
        with pytest.raises(InvalidRequest):
            await store.collections.set_quota(HOME, -1)

    async def test_two_that_write_at_once_share_the_room(self, store: FileStore, other_store: FileStore) -> None:
        await store.collections.set_quota(HOME, 5)
        stores = (store, other_store) * 3
        writes = [put(one, f"{at}.txt", f"{at}" * 2) for at, one in enumerate(stores)]
        done = await asyncio.gather(*writes, return_exceptions=True)
        assert sum(isinstance(one, StorageFull) for one in done) == 4
        assert (await store.collections.get(HOME)).used_bytes == 4

    async def test_a_stream_is_refused_as_soon_as_it_is_too_long(self, store: FileStore) -> None:
        await store.collections.set_quota(HOME, 3 << 20)
        taken = 0

        async def counted() -> AsyncGenerator[bytes]:
            nonlocal taken
            async for piece in generated(40 << 20):
                taken += len(piece)
                yield piece

        with pytest.raises(StorageFull, match="at least"):
            await store.files.write(HOME, "big.bin", counted(), actor=ANN)
        assert taken <= 4 << 20
