"""A collection that somebody works in: what a file store does with files, as this person, in this place."""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable
from datetime import datetime
from typing import Any

from jackfield.contracts.files import (
    LEVELS,
    NEWEST,
    Actor,
    Collection,
    FileStore,
    FileVersion,
    Level,
    Link,
    OpenVersion,
    PassageVectors,
    Point,
    StoredFile,
    Watches,
    Written,
)
from jackfield.errors import LinkNotFound, NotAllowed
from jackfield.identity.secrets import fingerprint, new_token


class OpenCollection:
    """Made by `Library.opened`. Every change raises NotAllowed unless the collection was opened for it."""

    def __init__(
        self,
        store: FileStore,
        collection: Collection,
        actor: Actor,
        level: Level,
        *,
        on_waiting: Callable[[], None] = lambda: None,
    ) -> None:
        self.collection = collection
        self.name = collection.name
        self.actor = actor
        self._store = store
        self._level = level
        self._on_waiting = on_waiting

    async def write(
        self,
        path: str,
        chunks: AsyncIterable[bytes],
        *,
        reason: str = "",
        expected: int | None = None,
        change: str = "",
        in_bulk: bool = False,
    ) -> Written:
        """Create or overwrite a file; one of many `in_bulk`, which leaves its vectors to the index."""
        written = await self._store.files.write(
            *self._at("write", path),
            chunks,
            actor=self.actor,
            reason=reason,
            expected=expected,
            change=change,
            in_bulk=in_bulk,
        )
        return self._noted(written)

    async def append(self, path: str, chunks: AsyncIterable[bytes], *, reason: str = "", change: str = "") -> Written:
        """Add to the end of a file."""
        return self._noted(
            await self._store.files.append(
                *self._at("write", path), chunks, actor=self.actor, reason=reason, change=change
            )
        )

    async def read(self, path: str, point: Point = NEWEST) -> OpenVersion:
        """A version's bytes."""
        return await self._store.files.read(self.name, path, point)

    async def text(self, path: str, point: Point = NEWEST) -> str:
        """What was read out of a version."""
        return await self._store.files.text(self.name, path, point)

    async def look(self, path: str, *, deleted: bool = False) -> StoredFile:
        """A file as it stands."""
        return await self._store.files.look(self.name, path, deleted=deleted)

    async def page(
        self, *, under: str = "", deleted: bool = False, limit: int = 1000, after: str = ""
    ) -> tuple[StoredFile, ...]:
        """Files in the order of their paths."""
        return await self._store.files.page(self.name, under=under, deleted=deleted, limit=limit, after=after)

    async def every(self, *, under: str = "", deleted: bool = False) -> tuple[StoredFile, ...]:
        """All files below a path."""
        files: list[StoredFile] = []
        while page := await self.page(under=under, deleted=deleted, after=files[-1].path if files else ""):
            files += page
        return tuple(files)

    async def history(self, path: str, *, deleted: bool = False) -> tuple[FileVersion, ...]:
        """A file's versions, oldest first."""
        return await self._store.files.history(self.name, path, deleted=deleted)

    async def changes(self, *, since: datetime | None = None, limit: int = 100) -> tuple[FileVersion, ...]:
        """Versions of all files, newest first."""
        return await self._store.files.changes(self.name, since=since, limit=limit)

    async def rollback(self, path: str, point: Point, **how: Any) -> Written:
        """A new version with an old one's bytes; takes `reason`, `expected` and `change`."""
        return self._noted(await self._store.files.rollback(*self._at("write", path), point, actor=self.actor, **how))

    async def rename(self, path: str, new_path: str, *, reason: str = "", change: str = "") -> Written:
        """The same file under another path."""
        return self._noted(
            await self._store.files.rename(
                *self._at("write", path), new_path, actor=self.actor, reason=reason, change=change
            )
        )

    async def delete(self, path: str, **how: Any) -> Written:
        """A version that says the file is gone; takes `reason`, `expected` and `change`."""
        return await self._store.files.delete(*self._at("write", path), actor=self.actor, **how)

    async def undelete(self, path: str, *, as_path: str | None = None, reason: str = "", change: str = "") -> Written:
        """Bring a deleted file back."""
        return self._noted(
            await self._store.files.undelete(
                *self._at("write", path), actor=self.actor, as_path=as_path, reason=reason, change=change
            )
        )

    async def undo(self, change: str, *, force: bool = False) -> tuple[Written, ...]:
        """Take back what one change did."""
        self._require("write")
        undone = await self._store.files.undo(self.name, change, actor=self.actor, force=force)
        return tuple(map(self._noted, undone))

    async def lock(self, path: str, until: datetime) -> StoredFile:
        """Hold a file for oneself."""
        return await self._store.files.lock(*self._at("write", path), actor=self.actor, until=until)

    async def unlock(self, path: str, *, force: bool = False) -> StoredFile:
        """Let a file go; another's lock with `force`, which takes the level `manage`."""
        if force:
            self._require("manage")
        return await self._store.files.unlock(*self._at("write", path), actor=self.actor, force=force)

    async def purge(self, path: str) -> int:
        """Forget a deleted file for good; how many bytes that freed."""
        return await self._store.files.purge(*self._at("manage", path))

    async def link(
        self, path: str, *, folder: bool = False, version: int | None = None, expires_at: datetime | None = None
    ) -> tuple[Link, str]:
        """A new share link, and the token that is shown this once."""
        token = new_token()
        link = await self._store.links.add(
            *self._at("write", path),
            fingerprint(token),
            actor=self.actor,
            folder=folder,
            version=version,
            expires_at=expires_at,
        )
        return link, token

    async def links(self) -> tuple[Link, ...]:
        """Every share link, also those that hold no longer."""
        self._require("write")
        return await self._store.links.all(self.name)

    async def revoke(self, link_id: str) -> Link:
        """Let a link hold no longer; raises LinkNotFound also for one of another collection."""
        if link_id not in {link.id for link in await self.links()}:
            raise LinkNotFound(f"There is no link '{link_id}' in collection '{self.name}'.")
        return await self._store.links.revoke(link_id)

    @property
    def watches(self) -> Watches:
        """What is on record of folders that are kept in step; raises NotAllowed unless one may write."""
        self._require("write")
        return self._store.watches

    async def vectors(self, *, under: str = "") -> PassageVectors:
        """Passages with their vectors."""
        return await self._store.index.vectors(self.name, under=under)

    async def retry_index(self) -> int:
        """Let what could not be read be tried again; how many."""
        self._require("write")
        again = await self._store.index.retry(self.name)
        if again:
            self._on_waiting()
        return again

    def _noted(self, written: Written) -> Written:
        """Tell of what may wait to be indexed: a text, or only the vectors of one that is longer."""
        if written.changed:
            self._on_waiting()
        return written

    def _at(self, level: Level, path: str) -> tuple[str, str]:
        self._require(level)
        return self.name, path

    def _require(self, level: Level) -> None:
        if LEVELS.index(self._level) < LEVELS.index(level):
            raise NotAllowed(f"Collection '{self.name}' was opened to {self._level}, and this takes '{level}'.")
