"""The promises of looking at files: lists, texts, and bytes that are not what they were."""

from __future__ import annotations

import pytest

from jackfield.contracts.files import FileStore, Point
from jackfield.errors import (
    BlobDamaged,
    FileUnreadable,
    InvalidRequest,
)
from jackfield.testing.contract_suites.file_store_fixtures import (
    ANN,
    HOME,
    FileStoreFixtures,
    generated,
    got,
    paths,
    put,
)
from jackfield.testing.contract_suites.uploads import pieces, whole
from jackfield.testing.memory_blobs import InMemoryBlobs


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
