"""The libraries of an installation: one for each principal, over one file store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from jackfield.contracts.identity import Account, Principal
from jackfield.contracts.identity_records import IdentityRecords
from jackfield.files.background_indexing import BackgroundIndexing
from jackfield.files.background_warming import BackgroundWarming
from jackfield.files.library import Library
from jackfield.files.semantic_stores import SemanticStores
from jackfield.files.shared import SharedFiles
from jackfield.identity.standing import principal_of
from jackfield.settings import FileSettings


class Libraries:
    """Opening one raises NothingRegistered or MissingDependency where no semantic files can be kept."""

    def __init__(self, semantic: SemanticStores, identity: IdentityRecords, settings: FileSettings) -> None:
        self._semantic = semantic
        self._identity = identity
        self._settings = settings
        self.shared = SharedFiles()
        self._indexing = BackgroundIndexing(lambda: semantic.files.index)
        self._warming = BackgroundWarming(lambda: semantic.files.index)

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Until the block is left, files are indexed as they come, and collections made ready to be searched."""
        async with self._indexing.kept(), self._warming.kept():
            self._warming.opened(self._settings.collection)
            yield

    def of(self, principal: Principal) -> Library:
        """Files as somebody sees them who was recognised."""
        return Library(
            self._semantic.files,
            principal,
            self._settings,
            on_opened=self._warming.opened,
            on_waiting=self._indexing.wake,
        )

    async def of_owner(self, owner: Principal | Account | None) -> Library:
        """Files as whoever began a run sees them now; raises NotAllowed where they may do nothing any more."""
        return self.of(owner if isinstance(owner, Principal) else await principal_of(owner, self._identity))
