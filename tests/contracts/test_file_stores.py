"""Every registered file store keeps the contract's promises, beside every kind of database that is at hand."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from jackfield.contracts.files import FileStore, FileStoreFactory, FileStoreParts
from jackfield.plugin_host import PluginHost
from jackfield.testing.contract_suites.file_store import FileStoreContract
from jackfield.testing.contract_suites.file_store_fixtures import HOME

REGISTRY = PluginHost().load().registry


@asynccontextmanager
async def opened(factory: FileStoreFactory, url: str, parts: FileStoreParts) -> AsyncIterator[FileStore]:
    """A file store beside the first state store that claims an address."""
    state = await next(stores for _, stores in REGISTRY.state_stores.items() if stores.claims(url)).open(url)
    try:
        if not factory.claims(state):
            pytest.skip("this factory does not know this state store")
        store = factory.open(state, parts)
        yield store
        await store.close()
    finally:
        await state.close()


class TestRegisteredFileStores(FileStoreContract):
    """The suite, over all of them."""

    @pytest.fixture(params=REGISTRY.file_stores.names())
    def factory(self, request: pytest.FixtureRequest) -> FileStoreFactory:
        """Each of them."""
        return REGISTRY.file_stores.get(request.param)

    @pytest.fixture
    async def store(self, factory: FileStoreFactory, url: str, parts: FileStoreParts) -> AsyncIterator[FileStore]:
        """With an empty collection."""
        async with opened(factory, url, parts) as store:
            await store.collections.add(HOME)
            yield store

    @pytest.fixture
    async def other_store(
        self, factory: FileStoreFactory, url: str, parts: FileStoreParts, store: FileStore
    ) -> AsyncIterator[FileStore]:
        """Opened once more, as a second process would."""
        async with opened(factory, url, parts) as other:
            yield other
