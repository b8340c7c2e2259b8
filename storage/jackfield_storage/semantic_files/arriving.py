"""Bytes on their way into a file: in the blob store before the transaction, and gone again if it fails."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator
from contextlib import aclosing, asynccontextmanager

import msgspec

from jackfield.contracts.uploads import BlobStore
from jackfield.errors import NotFound, StateUnavailable
from jackfield_storage.blob_uses import remove_unused
from jackfield_storage.engine import Database


class Arrived(msgspec.Struct, frozen=True):
    """Bytes that are in the blob store."""

    digest: str
    size: int


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
        try:
            async with aclosing(self._blobs.read(digest)) as held:
                first = await _first(held)
                yield Arrived(digest, size)
                await self._put_back(digest, size, first, held)
        except BaseException:
            await self.drop(digest)
            raise

    async def drop(self, *digests: str) -> None:
        """Remove bytes unless something on record has them."""
        await remove_unused(self._database, digests, self._blobs.remove)

    async def _put_back(self, digest: str, size: int, first: bytes, rest: AsyncGenerator[bytes]) -> None:
        """Put bytes again that somebody removed before they were on record; an open file outlives its name."""
        try:
            async with aclosing(self._blobs.read(digest)) as pieces:
                await anext(pieces, b"")
        except NotFound:
            await self._blobs.put(_joined(first, rest), most=size)


async def _first(pieces: AsyncGenerator[bytes]) -> bytes:
    try:
        return await anext(pieces, b"")
    except NotFound as error:
        raise StateUnavailable("The same bytes were deleted at this moment; write the file again.") from error


async def _joined(first: bytes, rest: AsyncIterable[bytes]) -> AsyncGenerator[bytes]:
    yield first
    async for piece in rest:
        yield piece
