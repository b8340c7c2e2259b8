"""Bytes on their way into a file: in the blob store before the transaction, and gone again if it fails."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator
from contextlib import aclosing, asynccontextmanager

from jackfield.contracts.uploads import BlobStore
from jackfield.errors import NotFound, StateUnavailable
from jackfield_storage.blob_uses import remove_unused
from jackfield_storage.engine import Database


class Arrived:
    """Bytes that are in the blob store, held open: an open file outlives its name."""

    def __init__(self, blobs: BlobStore, digest: str, size: int) -> None:
        self.digest = digest
        self.size = size
        self._blobs = blobs
        self._held: AsyncGenerator[bytes] = blobs.read(digest)
        self._first = b""

    async def hold(self) -> None:
        """Open them; raises StateUnavailable where somebody removed them already."""
        self._held = self._blobs.read(self.digest)
        try:
            self._first = await anext(self._held, b"")
        except NotFound as error:
            raise StateUnavailable("The same bytes were deleted at this moment; write the file again.") from error

    async def put_back(self) -> None:
        """Put them again where somebody removed them; within the transaction, from where on nobody can."""
        if not await is_there(self._blobs, self.digest):
            await self._blobs.put(self._whole(), most=self.size)
            await self.release()
            await self.hold()

    async def release(self) -> None:
        """Close them."""
        await self._held.aclose()

    async def _whole(self) -> AsyncGenerator[bytes]:
        yield self._first
        async for piece in self._held:
            yield piece


class Arrivals:
    """Brings bytes into the blob store for as long as it takes to put them on record."""

    def __init__(self, database: Database, blobs: BlobStore) -> None:
        self._database = database
        self._blobs = blobs

    @asynccontextmanager
    async def of(self, chunks: AsyncIterable[bytes], *, most: int) -> AsyncIterator[Arrived]:
        """Bytes that are to be on record when the block ends; where it fails they are removed, unless others have them.

        Raises InvalidRequest beyond `most`, DiskFull.
        """
        digest, size = await self._blobs.put(chunks, most=most)
        arrived = Arrived(self._blobs, digest, size)
        try:
            await arrived.hold()
            yield arrived
        except BaseException:
            await arrived.release()
            await self.drop(digest)
            raise
        await arrived.release()

    async def has(self, digest: str) -> bool:
        """Whether bytes are in the blob store."""
        return await is_there(self._blobs, digest)

    async def drop(self, *digests: str) -> None:
        """Remove bytes unless something on record has them."""
        await remove_unused(self._database, digests, self._blobs.remove)


async def is_there(blobs: BlobStore, digest: str) -> bool:
    """Whether bytes are in a blob store."""
    try:
        async with aclosing(blobs.read(digest)) as pieces:
            await anext(pieces, b"")
    except NotFound:
        return False
    return True
