"""Bytes that uploads, versions and texts share: removed when the last of them goes, and never under a writer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from jackfield.contracts.files import FileStore
from jackfield.contracts.records import StateStore
from jackfield.errors import DiskFull, FileChanged
from jackfield.testing.contract_suites.file_store_fixtures import ANN, HOME, got, put
from jackfield.testing.contract_suites.uploads import an_upload, pieces, whole
from jackfield.testing.file_store_parts import ShoutingExtractor, plain_parts
from jackfield.testing.memory_blobs import InMemoryBlobs
from jackfield.testing.word_embedder import WordEmbedder
from jackfield_storage.semantic_files.store import SqlFileStores


class Interruption(WordEmbedder):
    """Lets something happen when a write has its bytes in the blob store, and before they are on record."""

    def __init__(self, happens: Callable[[], Awaitable[object]]) -> None:
        super().__init__()
        self._happens = happens

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """With the interruption first."""
        await self._happens()
        return await super().embed(texts)


class QuickShoutingExtractor(ShoutingExtractor):
    """Reads documents within the write."""

    quick = True


async def digests(blobs: InMemoryBlobs) -> set[str]:
    """The bytes that there are."""
    return {blob.digest async for blob in blobs.all()}


async def test_an_upload_that_goes_leaves_a_files_bytes(
    store: FileStore, state: StateStore, blobs: InMemoryBlobs
) -> None:
    digest = (await put(store, "a.txt", "abc")).file.digest
    assert await state.uploads.uses(digest) == 2  # a version, and its text
    await state.uploads.add(an_upload(1, digest=digest))
    await state.uploads.remove("file_1")
    assert not await state.uploads.drop_unused(digest, blobs)
    await store.files.delete(HOME, "a.txt", actor=ANN)
    assert not await state.uploads.drop_unused(digest, blobs)
    await store.files.purge(HOME, "a.txt")
    assert await digests(blobs) == set()


async def test_a_purged_file_leaves_an_uploads_bytes(store: FileStore, state: StateStore, blobs: InMemoryBlobs) -> None:
    digest = (await put(store, "a.txt", "abc")).file.digest
    await state.uploads.add(an_upload(1, digest=digest))
    await store.files.delete(HOME, "a.txt", actor=ANN)
    await store.files.purge(HOME, "a.txt")
    assert await whole(blobs.read(digest)) == b"abc"
    await state.uploads.remove("file_1")
    assert await state.uploads.drop_unused(digest, blobs)


async def test_the_text_of_a_document_that_is_another_files_bytes_stays(store: FileStore, blobs: InMemoryBlobs) -> None:
    await put(store, "a.doc", "abc")
    assert await store.files.text(HOME, "a.doc") == "ABC"
    shared = (await put(store, "b.bin", "ABC")).file.digest
    await store.files.delete(HOME, "b.bin", actor=ANN)
    await store.files.purge(HOME, "b.bin")
    assert await store.files.text(HOME, "a.doc") == "ABC"
    assert shared in await digests(blobs)


async def test_bytes_that_are_purged_under_a_writer_are_put_back(
    store: FileStore, opens: Callable[..., object], blobs: InMemoryBlobs
) -> None:
    await put(store, "old.txt", "the same bytes")
    await store.files.delete(HOME, "old.txt", actor=ANN)

    async def purge() -> None:
        assert await store.files.purge(HOME, "old.txt")
        assert await digests(blobs) == set()

    async with opens(embedder=Interruption(purge)) as writer:  # type: ignore[attr-defined]
        await put(writer, "new.txt", "the same bytes")
    assert await got(store, "new.txt") == b"the same bytes"
    assert (await store.verify(deep=True)).faults == ()


async def test_nothing_is_on_record_before_its_bytes_are_back(
    store: FileStore, state: StateStore, opens: Callable[..., object], blobs: InMemoryBlobs
) -> None:
    """A reader would find a version without bytes, and a kill would make that of it for good."""

    async def drop() -> None:
        for digest in await digests(blobs):
            assert await state.uploads.drop_unused(digest, blobs)
        blobs.full = True

    async with opens(embedder=Interruption(drop)) as writer:  # type: ignore[attr-defined]
        with pytest.raises(DiskFull):
            await put(writer, "new.txt", "the same bytes")
    blobs.full = False
    assert await store.files.page(HOME) == ()
    assert (await store.verify(deep=True)).faults == ()


async def test_a_text_that_is_removed_under_a_writer_is_read_again(
    store: FileStore, state: StateStore, blobs: InMemoryBlobs
) -> None:
    dropped: set[str] = set()

    async def drop() -> None:
        if not dropped:
            held = await digests(blobs)
            dropped.update([digest for digest in held if await whole(blobs.read(digest)) == b"ABC"])
            assert [await state.uploads.drop_unused(digest, blobs) for digest in dropped] == [True]

    parts = msgspec.structs.replace(
        plain_parts(blobs=blobs, embedder=Interruption(drop)), extractors=(QuickShoutingExtractor(),)
    )
    writer = SqlFileStores().open(state, parts)
    await put(writer, "a.doc", "abc")
    await writer.close()
    assert dropped
    assert await store.files.text(HOME, "a.doc") == "ABC"
    assert (await store.verify(deep=True)).faults == ()


async def test_a_write_that_fails_leaves_the_bytes_that_another_has_meanwhile(
    store: FileStore, opens: Callable[..., object], blobs: InMemoryBlobs
) -> None:
    await put(store, "a.txt", "one")

    async def overtake() -> None:
        await put(store, "b.txt", "the same bytes")
        await put(store, "a.txt", "two")

    async with opens(embedder=Interruption(overtake)) as writer:  # type: ignore[attr-defined]
        with pytest.raises(FileChanged):
            await put(writer, "a.txt", "the same bytes", expected=1)
    assert await got(store, "b.txt") == b"the same bytes"


async def test_repair_does_not_take_the_bytes_of_a_slow_write(
    store: FileStore, opens: Callable[..., object], blobs: InMemoryBlobs
) -> None:
    async def verify() -> None:
        for digest in await digests(blobs):
            blobs.age(digest, timedelta(hours=2))
        assert [fault.mended for fault in (await store.verify(repair=True)).faults] == [True]

    async with opens(embedder=Interruption(verify)) as writer:  # type: ignore[attr-defined]
        await put(writer, "slow.txt", "hours of bytes")
    assert await got(store, "slow.txt") == b"hours of bytes"


async def test_an_upload_whose_bytes_are_recorded_is_never_left_without(
    state: StateStore, blobs: InMemoryBlobs
) -> None:
    digest, _ = await blobs.put(pieces(b"abc"), most=3)
    await state.uploads.add(an_upload(1, digest=digest))
    assert not await state.uploads.drop_unused(digest, blobs)
