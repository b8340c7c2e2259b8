"""Semantic files: stores, extractors, vector indexes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

import msgspec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class FileVersion(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a file; versions are never changed, only added to."""

    path: str
    number: int
    blob: str
    bytes: int
    author: str
    reason: str
    written_at: datetime


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of a file that answers a search, by byte offsets into that version."""

    path: str
    version: int
    start: int
    end: int
    text: str
    score: float


class FileStore(Protocol):
    """Files that never lose a version."""

    async def write(self, path: str, data: bytes, *, author: str, reason: str) -> FileVersion: ...

    def read(self, path: str, *, version: int | None = None) -> AsyncIterator[bytes]: ...

    async def history(self, path: str) -> tuple[FileVersion, ...]: ...

    async def rollback(self, path: str, *, version: int, author: str) -> FileVersion:
        """A new version with an old one's bytes, indexed in the same transaction."""
        ...

    async def delete(self, path: str, *, author: str) -> None: ...

    async def find(self, query: str, *, limit: int = 10) -> tuple[Found, ...]: ...


class Extractor(Protocol):
    """Gets the text out of one kind of file."""

    name: str

    def claims(self, filename: str, media_type: str | None) -> bool: ...

    def text(self, data: bytes, *, filename: str) -> str: ...


class VectorIndex(Protocol):
    """Nearest neighbours over unit vectors; a cache that can always be rebuilt."""

    def add(self, identifiers: Sequence[int], vectors: NDArray[np.float32]) -> None: ...

    def remove(self, identifiers: Sequence[int]) -> None: ...

    def search(self, vector: NDArray[np.float32], limit: int) -> list[tuple[int, float]]:
        """Identifier and cosine similarity, best first."""
        ...

    def __len__(self) -> int: ...
