"""The promises of share links."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from jackfield.contracts.files import FileStore
from jackfield.errors import (
    CollectionNotFound,
    FileNotThere,
    InvalidRequest,
    LinkNotFound,
    NameTaken,
    VersionNotFound,
)
from jackfield.testing.contract_suites.file_store_fixtures import ANN, HOME, FileStoreFixtures, passed, put

FAR = datetime(2100, 1, 1, tzinfo=UTC)


@pytest.mark.asyncio
class LinksContract(FileStoreFixtures):
    """Links to one file, one version, a folder."""

    async def test_a_link_is_found_by_the_hash_of_its_token(self, store: FileStore) -> None:
        await put(store, "a.txt", "one")
        made = await store.links.add(HOME, "a.txt", "hash", actor=ANN, version=1, expires_at=FAR)
        assert (made.path, made.folder, made.version, made.created_by, made.uses) == ("a.txt", False, 1, ANN, 0)
        assert [(await store.links.find("hash")).uses for _ in range(2)] == [1, 2]
        assert [link.uses for link in await store.links.all(HOME)] == [2]
        with pytest.raises(LinkNotFound):
            await store.links.find("other")

    async def test_followers_at_once_are_all_counted(self, store: FileStore, other_store: FileStore) -> None:
        await put(store, "a.txt", "one")
        await store.links.add(HOME, "a.txt", "hash", actor=ANN)
        await asyncio.gather(*(one.links.find("hash") for one in (store, other_store) * 5))
        assert (await store.links.find("hash")).uses == 11

    async def test_a_link_goes_with_its_file(self, store: FileStore) -> None:
        await put(store, "a.txt", "one")
        await store.links.add(HOME, "a.txt", "hash", actor=ANN)
        await store.files.rename(HOME, "a.txt", "b.txt", actor=ANN)
        await put(store, "a.txt", "another")
        assert (await store.links.find("hash")).path == "b.txt"
        await store.files.delete(HOME, "b.txt", actor=ANN)
        with pytest.raises(LinkNotFound):
            await store.links.find("hash")
        await store.files.undelete(HOME, "b.txt", actor=ANN)
        assert (await store.links.find("hash")).path == "b.txt"
        await store.files.delete(HOME, "b.txt", actor=ANN)
        await store.files.purge(HOME, "b.txt")
        assert await store.links.all(HOME) == ()

    async def test_a_folder_is_linked_by_its_path(self, store: FileStore) -> None:
        await put(store, "a/b/c.txt", "one")
        await store.links.add(HOME, "a/b/", "some", actor=ANN, folder=True)
        await store.links.add(HOME, "", "all", actor=ANN, folder=True)
        assert [(await store.links.find(token)).path for token in ("some", "all")] == ["a/b", ""]

    async def test_a_revoked_link_holds_no_longer(self, store: FileStore) -> None:
        await put(store, "a.txt", "one")
        link = await store.links.add(HOME, "a.txt", "hash", actor=ANN)
        revoked = await store.links.revoke(link.id)
        assert revoked.revoked_at is not None
        assert await store.links.revoke(link.id) == revoked
        for asked in (store.links.find("hash"), store.links.revoke("link_0")):
            with pytest.raises(LinkNotFound):
                await asked
        assert await store.links.all(HOME) == (revoked,)

    async def test_an_expired_link_holds_no_longer(self, store: FileStore) -> None:
        await put(store, "a.txt", "one")
        soon = datetime.now(UTC) + timedelta(milliseconds=200)
        await store.links.add(HOME, "a.txt", "hash", actor=ANN, expires_at=soon)
        await passed(soon)
        with pytest.raises(LinkNotFound):
            await store.links.find("hash")

    async def test_what_cannot_be_linked(self, store: FileStore) -> None:
        await put(store, "a/b.txt", "one")
        await store.links.add(HOME, "a/b.txt", "hash", actor=ANN)
        add = store.links.add
        with pytest.raises(FileNotThere):
            await add(HOME, "a", "h1", actor=ANN)
        with pytest.raises(FileNotThere):
            await add(HOME, "b", "h1", actor=ANN, folder=True)
        with pytest.raises(VersionNotFound):
            await add(HOME, "a/b.txt", "h1", actor=ANN, version=2)
        with pytest.raises(InvalidRequest, match="version"):
            await add(HOME, "a", "h1", actor=ANN, folder=True, version=1)
        with pytest.raises(InvalidRequest, match="past"):
            await add(HOME, "a/b.txt", "h1", actor=ANN, expires_at=datetime(2020, 1, 1, tzinfo=UTC))
        with pytest.raises(InvalidRequest):
            await add(HOME, "../a", "h1", actor=ANN, folder=True)
        with pytest.raises(NameTaken):
            await add(HOME, "a/b.txt", "hash", actor=ANN)
        with pytest.raises(CollectionNotFound):
            await add("none", "a/b.txt", "h1", actor=ANN)
        assert len(await store.links.all(HOME)) == 1
