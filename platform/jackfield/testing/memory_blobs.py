"""Bytes in memory, under their BLAKE3 digest."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable
from pathlib import Path

from blake3 import blake3

from jackfield.contracts.uploads import BlobStore
from jackfield.errors import InvalidRequest, NotFound

PIECE = 1 << 20


class InMemoryBlobs:
    """Implements `jackfield.contracts.uploads.BlobStore`."""

    def __init__(self) -> None:
        self._blobs: dict[str, bytes] = {}

    async def put(self, chunks: AsyncIterable[bytes], *, most: int) -> tuple[str, int]:
        """Raises InvalidRequest."""
        content = bytearray()
        async for chunk in chunks:
            content += chunk
            if len(content) > most:
                raise InvalidRequest(f"The file is larger than the {most} bytes that are allowed.")
        digest = blake3(content).hexdigest()
        self._blobs[digest] = bytes(content)
        return digest, len(content)

    async def read(self, digest: str) -> AsyncGenerator[bytes]:
        """Raises NotFound."""
        if digest not in self._blobs:
            raise NotFound(f"No bytes are stored under '{digest}'.")
        content = self._blobs[digest]
        for start in range(0, len(content), PIECE):
            yield content[start : start + PIECE]

    async def remove(self, digest: str) -> bool:
        """Whether there were any."""
        return self._blobs.pop(digest, None) is not None


class InMemoryBlobStores:
    """Implements `jackfield.contracts.uploads.BlobStoreFactory`: a new store each time."""

    def open(self, folder: Path) -> BlobStore:
        """It has no use for the folder."""
        return InMemoryBlobs()
