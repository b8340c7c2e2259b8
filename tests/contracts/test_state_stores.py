"""Every registered state store keeps the contract's promises, on every kind of database that is at hand."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator

import pytest

from jackfield.contracts.records import StateStore, StateStoreFactory
from jackfield.plugin_host import PluginHost
from jackfield.testing.contract_suites.state_store import StateStoreContract
from jackfield.testing.memory_store import InMemoryStateStore

REGISTRY = PluginHost().load().registry
POSTGRES = os.environ.get("JACKFIELD_TEST_POSTGRES", "")


@pytest.fixture(params=REGISTRY.state_stores.names())
def factory(request: pytest.FixtureRequest, url: str) -> StateStoreFactory:
    """Each registered factory that claims the address."""
    factory = REGISTRY.state_stores.get(request.param)
    if not factory.claims(url):
        pytest.skip(f"'{request.param}' does not claim {url.partition(':')[0]} addresses")
    return factory


class TestRegisteredStateStores(StateStoreContract):
    """The suite, over all of them."""

    @pytest.fixture
    async def store(self, factory: StateStoreFactory, url: str) -> AsyncIterator[StateStore]:
        """Opened as the platform opens it."""
        store = await factory.open(url)
        yield store
        await store.close()

    @pytest.fixture
    async def other_store(self, factory: StateStoreFactory, url: str) -> AsyncIterator[StateStore]:
        """Opened once more, as a second process would."""
        store = await factory.open(url)
        yield store
        await store.close()


class TestInMemoryStateStore(StateStoreContract):
    """The suite, over the store that other tests run on."""

    @pytest.fixture
    def store(self) -> InMemoryStateStore:
        """A fresh one."""
        return InMemoryStateStore()

    @pytest.fixture
    def other_store(self, store: InMemoryStateStore) -> InMemoryStateStore:
        """The same one, for memory has no second door."""
        return store
