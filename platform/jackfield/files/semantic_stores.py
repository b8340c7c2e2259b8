"""The file store and the memory of an installation, each opened when it is first used."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import cached_property

import structlog

from jackfield.contracts.files import Embedder, Extractor, FileStore, FileStoreParts
from jackfield.contracts.memory import Memory
from jackfield.contracts.records import StateStore
from jackfield.contracts.uploads import BlobStore
from jackfield.errors import MissingDependency, NothingRegistered, PluginError
from jackfield.registry import Registry
from jackfield.settings import FileSettings

log = structlog.get_logger(__name__)


class SemanticStores:
    """What is found by meaning. Opening raises NothingRegistered where no plugin knows the database."""

    def __init__(
        self,
        registry: Registry,
        state: StateStore,
        *,
        blobs: Callable[[], BlobStore],
        embedder: Embedder,
        settings: FileSettings,
    ) -> None:
        self.embedder = embedder
        self._registry = registry
        self._state = state
        self._blobs = blobs
        self._settings = settings
        self._opened: list[FileStore | Memory] = []
        self._built: list[Extractor] = []

    @cached_property
    def files(self) -> FileStore:
        """Files and what is in them."""
        parts = FileStoreParts(
            blobs=self._blobs(),
            embedder=self.embedder,
            extractors=self._extractors(),
            vector_indexes=self._registry.vector_indexes.first(),
            largest=self._settings.largest_mb << 20,
            largest_indexed=self._settings.largest_indexed_mb << 20,
        )
        for _, factory in self._registry.file_stores.items():
            if factory.claims(self._state):
                store = factory.open(self._state, parts)
                self._opened.append(store)
                return store
        raise NothingRegistered("No plugin keeps semantic files beside this database; use SQLite or PostgreSQL.")

    @cached_property
    def memory(self) -> Memory:
        """What was remembered."""
        for _, factory in self._registry.memories.items():
            if factory.claims(self._state):
                memory = factory.open(self._state, self.embedder)
                self._opened.append(memory)
                return memory
        raise NothingRegistered("No plugin keeps memories beside this database; use SQLite or PostgreSQL.")

    async def close(self) -> None:
        """Close what was opened, and end what is being read."""
        while self._opened:
            await self._opened.pop().close()
        while self._built:
            close = getattr(self._built.pop(), "close", None)
            if close is not None:
                await asyncio.to_thread(close)

    def _extractors(self) -> list[Extractor]:
        """Those of plugins before our own, which take whatever is text; one that cannot be built is left out."""
        shelf = self._registry.extractors
        owners = list(dict.fromkeys(map(shelf.owner, shelf.names())))  # as they loaded, our own first
        for name in sorted(shelf.names(), key=lambda name: owners.index(shelf.owner(name)), reverse=True):
            try:
                self._built.append(shelf.get(name))
            except (PluginError, MissingDependency) as error:
                log.warning("an extractor is left out", extractor=name, reason=error.message)
        return list(self._built)
