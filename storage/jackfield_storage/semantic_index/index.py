"""The index as the file store offers it."""

from __future__ import annotations

from collections.abc import Callable

from jackfield.contracts.files import FileStoreParts, IndexProgress, PassageVectors, Query, SearchResult
from jackfield_storage.engine import Database
from jackfield_storage.semantic_index.indexing_job import IndexingJob
from jackfield_storage.semantic_index.pending import retried
from jackfield_storage.semantic_index.searching import Searcher
from jackfield_storage.semantic_index.vectors_of_files import vectors_of_files


class SqlIndex:
    """Implements `jackfield.contracts.files.Index`."""

    def __init__(self, database: Database, parts: FileStoreParts) -> None:
        self._database = database
        self._embedder = parts.embedder
        self._searcher = Searcher(database, parts)
        self._job = IndexingJob(database, parts)

    async def search(self, query: Query) -> SearchResult:
        return await self._searcher.search(query)

    async def warm(self, collection: str) -> None:
        await self._searcher.warm(collection)

    async def run(self, progress: Callable[[IndexProgress], None] | None = None) -> IndexProgress:
        return await self._job.run(progress)

    async def progress(self, collection: str | None = None) -> IndexProgress:
        return await self._job.progress(collection)

    async def retry(self, collection: str) -> int:
        return await self._database.commit(lambda connection: retried(connection, collection))

    async def vectors(self, collection: str, *, under: str = "", most: int = 20_000) -> PassageVectors:
        model = await self._embedder.key()
        return await self._database.look(
            lambda connection: vectors_of_files(connection, model, collection, under=under, most=most)
        )

    async def close(self) -> None:
        """Let its thread end."""
        await self._searcher.close()
