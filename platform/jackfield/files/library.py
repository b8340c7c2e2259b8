"""Semantic files as one person sees them: the collections that they may read, each opened for what they may do."""

from __future__ import annotations

from collections.abc import Callable

from jackfield.contracts.files import (
    Collection,
    FileStore,
    Grant,
    GrantKind,
    IndexProgress,
    Level,
    Link,
    Query,
    SearchMode,
    SearchResult,
    VerifyReport,
    Watch,
)
from jackfield.contracts.identity import Principal
from jackfield.errors import CollectionNotFound, NameTaken, NotAllowed, WatchNotFound
from jackfield.files.access import actor_of, level_of, own_level, personal_name, require_free_name, require_level
from jackfield.files.open_collection import OpenCollection
from jackfield.identity.local_mode import LOCAL
from jackfield.identity.roles import sees_all
from jackfield.settings import FileSettings


class Library:
    """The files of an installation for one principal; made by `Workbench.library`.

    `on_opened` is called with each collection that is opened, `on_waiting` where something was written, whose text or
    vectors may wait.
    """

    def __init__(
        self,
        store: FileStore,
        principal: Principal,
        settings: FileSettings,
        *,
        on_opened: Callable[[str], None] = lambda name: None,
        on_waiting: Callable[[], None] = lambda: None,
    ) -> None:
        self.principal = principal
        self.actor = actor_of(principal)
        self._store = store
        self._settings = settings
        self._on_opened = on_opened
        self._on_waiting = on_waiting

    @property
    def default(self) -> str:
        """The collection that is meant where none is named: the settings', or on a team server one's own."""
        if self.principal is LOCAL:
            return self._settings.collection
        return personal_name(self.principal)

    async def collections(self) -> tuple[Collection, ...]:
        """Those that one may read, in the order of their names."""
        return tuple(one for one in await self._store.collections.all() if level_of(one, self.principal))

    async def own_collections(self) -> tuple[Collection, ...]:
        """Those that one owns or was granted, an admin also nobody's; they work in others' only by naming them."""
        return tuple(one for one in await self._store.collections.all() if own_level(one, self.principal))

    async def opened(self, name: str | None = None, level: Level = "read") -> OpenCollection:
        """A collection to work in; the default one is made when it is first used.

        Raises CollectionNotFound, or NotAllowed where one may do less than `level` there.
        """
        collection = await self._found(name or self.default)
        require_level(collection, self.principal, level)
        self._on_opened(collection.name)
        return OpenCollection(self._store, collection, self.actor, level, on_waiting=self._on_waiting)

    async def add(self, name: str) -> Collection:
        """A new collection of one's own; raises InvalidRequest for a bad name, NameTaken, NotAllowed."""
        require_free_name(name, self.principal)
        quota = self._settings.quota_mb << 20 or None
        owner = None if self.principal is LOCAL else self.principal.account.user_id
        return await self._store.collections.add(name, owner_id=owner, quota_bytes=quota)

    async def rename(self, name: str, new_name: str) -> Collection:
        require_free_name(new_name, self.principal)
        await self.opened(name, "manage")
        return await self._store.collections.rename(name, new_name)

    async def set_quota(self, name: str, quota_bytes: int | None) -> Collection:
        await self.opened(name, "manage")
        return await self._store.collections.set_quota(name, quota_bytes)

    async def grant(self, name: str, grant: Grant) -> Collection:
        await self.opened(name, "manage")
        return await self._store.collections.grant(name, grant)

    async def withdraw(self, name: str, kind: GrantKind, holder_id: str = "") -> Collection:
        await self.opened(name, "manage")
        return await self._store.collections.withdraw(name, kind, holder_id)

    async def remove(self, name: str) -> None:
        await self.opened(name, "manage")
        await self._store.collections.remove(name)

    async def search(
        self,
        text: str,
        *,
        collections: tuple[str, ...] = (),
        under: str = "",
        mode: SearchMode = "hybrid",
        limit: int = 10,
        whole_files: bool = False,
        rerank: bool = False,
    ) -> SearchResult:
        """Passages that answer a question, in the named collections or all of one's own."""
        if collections:
            names = tuple([(await self.opened(name)).name for name in collections])
        else:
            names = tuple(one.name for one in await self.own_collections())
        return await self._store.index.search(
            Query(
                text=text,
                collections=names,
                under=under,
                mode=mode,
                limit=limit,
                whole_files=whole_files,
                rerank=rerank,
            )
        )

    async def links(self, name: str) -> tuple[Link, ...]:
        await self.opened(name, "write")
        return await self._store.links.all(name)

    async def indexing(self, name: str | None = None) -> IndexProgress:
        """How far indexing is, of one collection or of all."""
        if name:
            await self.opened(name)
        return await self._store.index.progress(name)

    async def run_index(self, progress: Callable[[IndexProgress], None] | None = None) -> IndexProgress:
        """Index what waits, in every collection; may be cancelled at any moment, and goes on where it stood."""
        return await self._store.index.run(progress)

    async def verify(self, *, deep: bool = False, repair: bool = False) -> VerifyReport:
        """Hold all collections' files, versions, bytes and index against each other; raises NotAllowed."""
        if not sees_all(self.principal):
            raise NotAllowed("Only an admin verifies an installation's files, since that looks at everybody's.")
        return await self._store.verify(deep=deep, repair=repair)

    async def watches(self) -> tuple[Watch, ...]:
        """Folders that are, or were, kept in step with collections that one may read."""
        names = {one.name for one in await self.collections()}
        return tuple(watch for watch in await self._store.watches.all() if watch.collection in names)

    async def forget_watch(self, watch_id: str) -> Watch:
        """Forget what of a folder was in step; its files and the collection's stay. Raises WatchNotFound."""
        watch = next((one for one in await self.watches() if one.id == watch_id), None)
        if watch is None:
            raise WatchNotFound(f"There is no watch '{watch_id}'; `jackfield files watches` lists them.")
        await self.opened(watch.collection, "write")
        await self._store.watches.remove(watch_id)
        return watch

    async def _found(self, name: str) -> Collection:
        try:
            return await self._store.collections.get(name)
        except CollectionNotFound:
            if name != self.default:
                raise
        try:
            return await self.add(name)
        except NameTaken:  # somebody else was first
            return await self._store.collections.get(name)
