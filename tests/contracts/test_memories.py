"""Every registered memory keeps the contract's promises, beside every kind of database that is at hand."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from jackfield.contracts.memory import Memory
from jackfield.plugin_host import PluginHost
from jackfield.testing.contract_suites.memory import MemoryContract
from jackfield.testing.word_embedder import WordEmbedder

REGISTRY = PluginHost().load().registry


class TestRegisteredMemories(MemoryContract):
    """The suite, over all of them."""

    @pytest.fixture(params=REGISTRY.memories.names())
    async def memory(self, request: pytest.FixtureRequest, url: str, embedder: WordEmbedder) -> AsyncIterator[Memory]:
        """Opened beside the first state store that claims the address."""
        factory = REGISTRY.memories.get(request.param)
        stores = next(stores for _, stores in REGISTRY.state_stores.items() if stores.claims(url))
        state = await stores.open(url)
        if factory.claims(state):
            memory = factory.open(state, embedder)
            yield memory
            await memory.close()
        else:
            pytest.skip(f"'{request.param}' does not know this state store")
        await state.close()
