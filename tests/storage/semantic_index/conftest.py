"""File stores on one SQLite file, as several processes have them, with FAISS."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from jackfield.contracts.files import FileStore, FileStoreParts
from jackfield.contracts.records import sqlite_url
from jackfield.testing.file_store_parts import plain_parts
from jackfield_storage.semantic_files.store import SqlFileStores
from jackfield_storage.state_store import SqlStateStoreFactory
from jackfield_storage.vectors.faiss_indexes import FaissIndexes

Opens = Callable[..., AbstractAsyncContextManager[FileStore]]


@pytest.fixture
def parts() -> FileStoreParts:
    """What all stores of a test work with."""
    return msgspec.structs.replace(plain_parts(), vector_indexes=FaissIndexes())


@pytest.fixture
def opens(database: Path, parts: FileStoreParts) -> Opens:
    """Opens a store, with other parts if they are given."""

    @asynccontextmanager
    async def opened(**other: object) -> AsyncIterator[FileStore]:
        state = await SqlStateStoreFactory().open(sqlite_url(database.parent))
        store = SqlFileStores().open(state, msgspec.structs.replace(parts, **other))
        try:
            yield store
        finally:
            await store.close()
            await state.close()

    return opened


@pytest.fixture
async def store(opens: Opens) -> AsyncIterator[FileStore]:
    """One of them, with an empty collection `main`."""
    async with opens() as store:
        await store.collections.add("main")
        yield store
