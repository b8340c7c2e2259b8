"""The promises of uploads and of blob stores, for any implementation of `jackfield.contracts.uploads`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.contracts.records import StateStore
from jackfield.contracts.uploads import BlobStore, Upload
from jackfield.errors import InvalidRequest, NotFound
from jackfield.testing.contract_suites.records_made import NOON
from jackfield.testing.contract_suites.store_fixtures import StateStoreFixtures, examples
from jackfield.testing.memory_blobs import InMemoryBlobs

EMPTY = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"
ABC = "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85"
"""BLAKE3 of nothing and of `abc`, as its authors publish them."""

PLENTY = 1 << 30


def an_upload(number: int, *, digest: str = EMPTY, owner_id: str | None = None, purpose: str = "batch") -> Upload:
    """A file of five gigabytes, as far as its record says."""
    return Upload(
        id=f"file_{number}",
        filename="täble.jsonl",
        purpose=purpose,
        size=5 << 30,
        digest=digest,
        created_at=NOON,
        owner_id=owner_id,
    )


async def pieces(*chunks: bytes) -> AsyncGenerator[bytes]:
    """Bytes as they come in."""
    for chunk in chunks:
        await asyncio.sleep(0)
        yield chunk


async def whole(chunks: AsyncIterable[bytes]) -> bytes:
    """Bytes as one."""
    return b"".join([chunk async for chunk in chunks])


@pytest.mark.asyncio
class UploadRecordsContract(StateStoreFixtures):
    """Records of uploaded files."""

    async def test_uploads_come_back_by_the_page_and_go(self, store: StateStore) -> None:
        owners, purposes = ("user_1", None), ("batch", "batch", "user_data")
        uploads = [an_upload(at, owner_id=owners[at % 2], purpose=purposes[at % 3]) for at in range(6)]
        for upload in uploads:
            await store.uploads.add(upload)
        assert await store.uploads.page() == tuple(reversed(uploads))
        assert await store.uploads.page(limit=2, before="file_4") == (uploads[3], uploads[2])
        assert await store.uploads.page(owner_id="user_1") == (uploads[4], uploads[2], uploads[0])
        assert await store.uploads.page(owner_id="user_1", purpose="user_data") == (uploads[2],)
        assert await store.uploads.page(after="") == tuple(uploads)
        assert await store.uploads.page(limit=2, after="file_2", owner_id="user_1") == (uploads[4],)
        assert await store.uploads.get("file_3") == uploads[3]
        assert await store.uploads.remove("file_3") == uploads[3]
        assert await store.uploads.remove("file_3") is None
        assert await store.uploads.get("file_3") is None

    async def test_uses_of_the_same_bytes_are_counted(self, store: StateStore) -> None:
        for number, digest in enumerate((EMPTY, ABC, EMPTY)):
            await store.uploads.add(an_upload(number, digest=digest))
        assert await store.uploads.uses(EMPTY) == 2
        await store.uploads.remove("file_0")
        assert await store.uploads.uses(EMPTY) == 1
        assert await store.uploads.uses("0" * 64) == 0

    async def test_bytes_are_dropped_when_nothing_has_them(self, store: StateStore) -> None:
        blobs = InMemoryBlobs()
        digest, _ = await blobs.put(pieces(b"abc"), most=3)
        await store.uploads.add(an_upload(1, digest=digest))
        assert not await store.uploads.drop_unused(digest, blobs)
        assert await whole(blobs.read(digest)) == b"abc"
        await store.uploads.remove("file_1")
        assert await store.uploads.drop_unused(digest, blobs)
        assert not await store.uploads.drop_unused(digest, blobs)
        assert [blob async for blob in blobs.all()] == []


@pytest.mark.asyncio
class BlobStoreContract:
    """Bytes under their digest; override `blobs`."""

    @pytest.fixture
    def blobs(self) -> BlobStore:
        """An empty store."""
        raise NotImplementedError("override `blobs` with a fixture that gives an empty blob store")

    async def test_bytes_are_kept_under_their_blake3_digest(self, blobs: BlobStore) -> None:
        assert await blobs.put(pieces(b"a", b"", b"bc"), most=3) == (ABC, 3)
        assert await blobs.put(pieces(), most=0) == (EMPTY, 0)
        assert await whole(blobs.read(ABC)) == b"abc"
        assert await whole(blobs.read(EMPTY)) == b""

    @examples
    @given(chunks=st.lists(st.binary(max_size=2000), max_size=6))
    async def test_any_bytes_come_back_as_they_were(self, blobs: BlobStore, chunks: Sequence[bytes]) -> None:
        digest, size = await blobs.put(pieces(*chunks), most=PLENTY)
        assert size == len(b"".join(chunks))
        assert await whole(blobs.read(digest)) == b"".join(chunks)

    async def test_more_than_one_piece_is_read(self, blobs: BlobStore) -> None:
        digest, _ = await blobs.put(pieces(*(bytes([at]) * 300_000 for at in range(9))), most=PLENTY)
        sizes = [len(chunk) async for chunk in blobs.read(digest)]
        assert sum(sizes) == 2_700_000
        assert max(sizes) < 2_700_000

    async def test_the_same_bytes_put_at_once_are_one_blob(self, blobs: BlobStore) -> None:
        assert set(await asyncio.gather(*(blobs.put(pieces(b"abc"), most=3) for _ in range(8)))) == {(ABC, 3)}
        assert await blobs.remove(ABC)
        assert not await blobs.remove(ABC)
        with pytest.raises(NotFound):
            await whole(blobs.read(ABC))

    async def test_all_blobs_are_listed_with_their_sizes_and_times(self, blobs: BlobStore) -> None:
        assert [blob async for blob in blobs.all()] == []
        before = datetime.now(UTC) - timedelta(seconds=5)
        for content in (b"abc", b"", b"abc"):
            await blobs.put(pieces(content), most=3)
        listed = [blob async for blob in blobs.all()]
        assert {(blob.digest, blob.size) for blob in listed} == {(ABC, 3), (EMPTY, 0)}
        assert len(listed) == 2
        assert all(before < blob.stored_at < datetime.now(UTC) + timedelta(seconds=5) for blob in listed)
        await blobs.remove(ABC)
        assert [blob.digest async for blob in blobs.all()] == [EMPTY]

    async def test_too_much_is_refused_and_nothing_is_kept(self, blobs: BlobStore) -> None:
        with pytest.raises(InvalidRequest):
            await blobs.put(pieces(b"ab", b"c"), most=2)
        with pytest.raises(NotFound):
            await whole(blobs.read(ABC))

    async def test_a_write_that_ends_early_leaves_nothing(self, blobs: BlobStore) -> None:
        async def broken() -> AsyncGenerator[bytes]:
            yield b"abc"
            raise ConnectionResetError("the client went away")

        with pytest.raises(ConnectionResetError):
            await blobs.put(broken(), most=PLENTY)
        with pytest.raises(NotFound):
            await whole(blobs.read(ABC))

    @pytest.mark.parametrize("digest", ["", "0" * 64, "../secrets", "a/b", "A" * 64, "0" * 63])
    async def test_what_is_not_there_or_no_digest_is_not_found(self, blobs: BlobStore, digest: str) -> None:
        with pytest.raises(NotFound):
            await whole(blobs.read(digest))
        assert not await blobs.remove(digest)
