"""The libraries of an installation: one for each principal, over one file store."""

from __future__ import annotations

from jackfield.contracts.identity import Account, Principal
from jackfield.contracts.identity_records import IdentityRecords
from jackfield.files.background_indexing import BackgroundIndexing
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
        self.indexing = BackgroundIndexing(lambda: semantic.files.index)

    def of(self, principal: Principal) -> Library:
        """Files as somebody sees them who was recognised."""
        return Library(self._semantic.files, principal, self._settings, on_waiting=self.indexing.wake)

    async def of_owner(self, owner: Principal | Account | None) -> Library:
        """Files as whoever began a run sees them now; raises NotAllowed where they may do nothing any more."""
        return self.of(owner if isinstance(owner, Principal) else await principal_of(owner, self._identity))
