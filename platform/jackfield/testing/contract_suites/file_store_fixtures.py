"""What the suites of a file store share: the stores, who uses them, and files in as few words as can be."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import Any

import pytest

from jackfield.contracts.files import Actor, FileStore, FileStoreParts, Point, Written
from jackfield.testing.contract_suites.uploads import pieces, whole
from jackfield.testing.file_store_parts import plain_parts
from jackfield.testing.memory_blobs import InMemoryBlobs

ANN, BOB = Actor(id="user_ann", name="Ann"), Actor(id="user_bob", name="Bob")
HOME = "main"
"""The collection that is there when a test begins."""


class FileStoreFixtures:
    """What a suite needs of whoever runs it: override `store`, and `other_store` where there can be a second."""

    @pytest.fixture
    def blobs(self) -> InMemoryBlobs:
        """Where the bytes of both stores are."""
        return InMemoryBlobs()

    @pytest.fixture
    def parts(self, blobs: InMemoryBlobs) -> FileStoreParts:
        """What the stores are to be opened with."""
        return plain_parts(blobs=blobs, largest=64 << 20)

    @pytest.fixture
    def store(self, parts: FileStoreParts) -> FileStore:
        """An open store without files, with an empty collection `main`; closed after the test."""
        raise NotImplementedError("override `store` with a fixture that yields an open file store")

    @pytest.fixture
    def other_store(self, parts: FileStoreParts) -> FileStore:
        """A second store on the same state, as another process has it; closed after the test."""
        pytest.skip("no second store was given: override `other_store` to test what two processes see")


async def put(store: FileStore, path: str, content: bytes | str, *, actor: Actor = ANN, **how: Any) -> Written:
    """Write a file."""
    data = content.encode() if isinstance(content, str) else content
    return await store.files.write(how.pop("collection", HOME), path, pieces(data), actor=actor, **how)


async def got(store: FileStore, path: str, number: int | None = None, *, collection: str = HOME) -> bytes:
    """The bytes of a version, the newest unless one is named."""
    return await whole((await store.files.read(collection, path, Point(number=number))).pieces)


async def paths(store: FileStore, **which: Any) -> list[str]:
    """The paths that there are."""
    return [file.path for file in await store.files.page(HOME, **which)]


async def generated(size: int, piece: int = 1 << 20) -> AsyncGenerator[bytes]:
    """So many bytes, never more than a piece of them at once."""
    block = bytes(range(256)) * (piece // 256)
    for start in range(0, size, piece):
        await asyncio.sleep(0)
        yield block[: min(piece, size - start)]


async def passed(moment: datetime) -> None:
    """When a moment that is soon lies in the past."""
    await asyncio.sleep((moment - datetime.now(UTC)).total_seconds() + 0.01)
