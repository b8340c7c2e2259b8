"""The file store as the platform opens it."""

from __future__ import annotations

from jackfield.contracts.files import FileStore, FileStoreParts
from jackfield.contracts.records import StateStore
from jackfield_storage.engine import Database
from jackfield_storage.semantic_files.collection_store import SqlCollections
from jackfield_storage.semantic_files.files import SqlFiles
from jackfield_storage.semantic_index.preparing import ContentPreparer
from jackfield_storage.state_store import SqlStateStore


class SqlFileStore:
    """Implements `jackfield.contracts.files.FileStore`; the database is closed by whoever opened it."""

    def __init__(self, database: Database, parts: FileStoreParts) -> None:
        preparer = ContentPreparer(database, parts)
        self._collections = SqlCollections(database)
        self._files = SqlFiles(database, parts, preparer)

    @property
    def collections(self) -> SqlCollections:
        return self._collections

    @property
    def files(self) -> SqlFiles:
        return self._files

    async def close(self) -> None:
        pass


class SqlFileStores:
    """Implements `jackfield.contracts.files.FileStoreFactory`: files beside the state, in the same database."""

    def claims(self, state: StateStore) -> bool:
        return isinstance(state, SqlStateStore)

    def open(self, state: StateStore, parts: FileStoreParts) -> FileStore:
        assert isinstance(state, SqlStateStore)
        return SqlFileStore(state.database, parts)
