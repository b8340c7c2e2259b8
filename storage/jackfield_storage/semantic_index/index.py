"""The index as the file store offers it."""

from __future__ import annotations

from jackfield.contracts.files import FileStoreParts, Query, SearchResult
from jackfield_storage.engine import Database
from jackfield_storage.semantic_index.searching import Searcher


class SqlIndex:
    """Implements `jackfield.contracts.files.Index`."""

    def __init__(self, database: Database, parts: FileStoreParts) -> None:
        self._database = database
        self._searcher = Searcher(database, parts)

    async def search(self, query: Query) -> SearchResult:
        return await self._searcher.search(query)

    async def close(self) -> None:
        """Let its thread end."""
        await self._searcher.close()
