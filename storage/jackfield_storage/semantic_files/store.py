"""The file store as the platform opens it."""

from __future__ import annotations

from jackfield.contracts.files import FileStore, FileStoreParts, VerifyReport
from jackfield.contracts.records import StateStore
from jackfield_storage.engine import Database
from jackfield_storage.semantic_files.arriving import Arrivals
from jackfield_storage.semantic_files.collection_store import SqlCollections
from jackfield_storage.semantic_files.files import SqlFiles
from jackfield_storage.semantic_files.links import SqlLinks
from jackfield_storage.semantic_files.verifying import verified
from jackfield_storage.semantic_files.watches import SqlWatches
from jackfield_storage.semantic_index.index import SqlIndex
from jackfield_storage.semantic_index.preparing import ContentPreparer
from jackfield_storage.state_store import SqlStateStore


class SqlFileStore:
    """Implements `jackfield.contracts.files.FileStore`; the database is closed by whoever opened it."""

    def __init__(self, database: Database, parts: FileStoreParts) -> None:
        self._database = database
        self._parts = parts
        arrivals = Arrivals(database, parts.blobs)
        self._collections = SqlCollections(database, arrivals)
        self._files = SqlFiles(database, parts, ContentPreparer(database, parts), arrivals)
        self._links = SqlLinks(database)
        self._index = SqlIndex(database, parts)
        self._watches = SqlWatches(database)

    @property
    def collections(self) -> SqlCollections:
        return self._collections

    @property
    def files(self) -> SqlFiles:
        return self._files

    @property
    def links(self) -> SqlLinks:
        return self._links

    @property
    def index(self) -> SqlIndex:
        return self._index

    @property
    def watches(self) -> SqlWatches:
        return self._watches

    async def verify(self, *, deep: bool = False, repair: bool = False) -> VerifyReport:
        return await verified(self._database, self._parts, deep=deep, repair=repair)

    async def close(self) -> None:
        await self._index.close()


class SqlFileStores:
    """Implements `jackfield.contracts.files.FileStoreFactory`: files beside the state, in the same database."""

    def claims(self, state: StateStore) -> bool:
        return isinstance(state, SqlStateStore)

    def open(self, state: StateStore, parts: FileStoreParts) -> FileStore:
        assert isinstance(state, SqlStateStore)
        return SqlFileStore(state.database, parts)
