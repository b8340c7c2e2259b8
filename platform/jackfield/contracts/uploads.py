"""Files that clients upload: a record in the state store, the bytes in a store of blobs."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable
from datetime import datetime
from pathlib import Path
from typing import Protocol

import msgspec


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    """A file that was uploaded; `digest` is the BLAKE3 digest of its bytes, in hexadecimal."""

    id: str
    filename: str
    purpose: str
    size: int
    digest: str
    created_at: datetime
    owner_id: str | None = None


class StoredBlob(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes in a blob store, and when they were put there last."""

    digest: str
    size: int
    stored_at: datetime


class UploadRecords(Protocol):
    """Uploaded files."""

    async def add(self, upload: Upload) -> None: ...

    async def get(self, upload_id: str) -> Upload | None: ...

    async def remove(self, upload_id: str) -> Upload | None:
        """What was removed."""
        ...

    async def page(
        self,
        *,
        owner_id: str | None = None,
        purpose: str | None = None,
        limit: int = 100,
        before: str | None = None,
        after: str | None = None,
    ) -> tuple[Upload, ...]:
        """Newest first; only an owner's, and of one purpose, where they are given.

        Oldest first where `after` is given: those newer than that upload, or all for an empty text.
        """
        ...

    async def uses(self, digest: str) -> int:
        """How many uploads have these bytes, and whatever else is kept in the same database."""
        ...

    async def drop_unused(self, digest: str, blobs: BlobStore) -> bool:
        """Remove bytes from the blob store unless they are in use; nothing comes to use them meanwhile."""
        ...


class BlobStore(Protocol):
    """Bytes under their BLAKE3 digest. A write that ends early leaves nothing behind."""

    async def put(self, chunks: AsyncIterable[bytes], *, most: int) -> tuple[str, int]:
        """Store bytes and give their digest and size; raises InvalidRequest beyond `most`, DiskFull."""
        ...

    def read(self, digest: str) -> AsyncGenerator[bytes]:
        """The bytes in pieces; raises NotFound."""
        ...

    async def remove(self, digest: str) -> bool: ...

    def all(self) -> AsyncGenerator[StoredBlob]:
        """Every blob, in no order; those put or removed meanwhile may be among them."""
        ...


class BlobStoreFactory(Protocol):
    """Opens blob stores."""

    def open(self, folder: Path) -> BlobStore:
        """The store in a folder, which is made when something is first put there."""
        ...
