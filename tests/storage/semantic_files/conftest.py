"""A file store on a SQLite file, its bytes in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from jackfield.contracts.files import Embedder, FileStore
from jackfield.contracts.records import StateStore, sqlite_url
from jackfield.testing.file_store_parts import plain_parts
from jackfield.testing.memory_blobs import InMemoryBlobs
from jackfield_storage.semantic_files.store import SqlFileStores
from jackfield_storage.state_store import SqlStateStoreFactory

Opens = Callable[..., AbstractAsyncContextManager[FileStore]]


@pytest.fixture
def blobs() -> InMemoryBlobs:
    """Where the bytes are."""
    return InMemoryBlobs()


@pytest.fixture
async def state(database: Path) -> AsyncIterator[StateStore]:
    """The state store beside the files."""
    state = await SqlStateStoreFactory().open(sqlite_url(database.parent))
    yield state
    await state.close()


@pytest.fixture
def opens(state: StateStore, blobs: InMemoryBlobs) -> Opens:
    """Opens file stores on the same database and bytes."""

    @asynccontextmanager
    async def opened(*, embedder: Embedder | None = None) -> AsyncIterator[FileStore]:
        store = SqlFileStores().open(state, plain_parts(blobs=blobs, embedder=embedder))
        yield store
        await store.close()

    return opened


@pytest.fixture
async def store(opens: Opens) -> AsyncIterator[FileStore]:
    """One of them, with an empty collection."""
    async with opens() as store:
        await store.collections.add("main")
        yield store
