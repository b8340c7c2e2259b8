"""Bytes in memory, under their BLAKE3 digest."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from blake3 import blake3

from jackfield.contracts.uploads import BlobStore, StoredBlob
from jackfield.errors import DiskFull, InvalidRequest, NotFound

PIECE = 1 << 20


class InMemoryBlobs:
    """Implements `jackfield.contracts.uploads.BlobStore`."""

    def __init__(self) -> None:
        self._blobs: dict[str, bytes] = {}
        self._stored_at: dict[str, datetime] = {}
        self.full = False

    async def put(self, chunks: AsyncIterable[bytes], *, most: int) -> tuple[str, int]:
        """Raises InvalidRequest, or DiskFull while it is `full`."""
        if self.full:
            raise DiskFull("There is no room.")
        content = bytearray()
        async for chunk in chunks:
            content += chunk
            if len(content) > most:
                raise InvalidRequest(f"The file is larger than the {most} bytes that are allowed.")
        digest = blake3(content).hexdigest()
        self._blobs[digest] = bytes(content)
        self._stored_at[digest] = datetime.now(UTC)
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

    def damage(self, digest: str, content: bytes | None) -> None:
        """Have other bytes under a digest, or none, as a failing disk does."""
        if content is None:
            self._blobs.pop(digest)
        else:
            self._blobs[digest] = content

    def age(self, digest: str, by: timedelta) -> None:
        """Let bytes have been put earlier."""
        self._stored_at[digest] -= by

    async def all(self) -> AsyncGenerator[StoredBlob]:
        """Those that are there when it begins."""
        for digest, content in list(self._blobs.items()):
            yield StoredBlob(digest=digest, size=len(content), stored_at=self._stored_at[digest])


class InMemoryBlobStores:
    """Implements `jackfield.contracts.uploads.BlobStoreFactory`: a new store each time."""

    def open(self, folder: Path) -> BlobStore:
        """It has no use for the folder."""
        return InMemoryBlobs()
