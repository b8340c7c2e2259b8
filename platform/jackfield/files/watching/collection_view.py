"""What a collection holds below a path, kept up to date from its changes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from jackfield.contracts.files import Actor, FileVersion, Written
from jackfield.files.open_collection import OpenCollection
from jackfield.files.watching.sides import Kept

AT_ONCE = 500
"""Changes that are asked for beyond those that are known; where there are more, it is asked again."""
OVERLAP = timedelta(seconds=70)
"""How long after its time a change may appear: transactions end in another order than they began."""


class CollectionView:
    """Files by their paths below `under`."""

    def __init__(self, opened: OpenCollection, under: str) -> None:
        self.files: dict[str, Kept] = {}
        self._places: dict[str, str] = {}
        self._opened = opened
        self._under = f"{under}/" if under else ""
        self._newest: datetime | None = None
        self._taken: dict[tuple[str, int], datetime] = {}

    def full_path(self, path: str) -> str:
        """What a path is called in the collection."""
        return self._under + path

    async def load(self) -> None:
        """Read all of it."""
        newest = await self._opened.changes(limit=1)
        self._newest = newest[0].written_at if newest else None
        latest = await self._latest()
        every = await self._opened.every(under=self._under.removesuffix("/"))
        self.files.clear()
        self._places.clear()
        for file in every:
            self._put(file.path, file.id, file.version, file.digest, file.size, file.author)
        self._note(latest)

    async def has_news(self) -> bool:
        """Whether anything changed since it was last brought up to date."""
        latest = await self._latest()
        if self._fresh(latest):
            return True
        self._note(latest)
        return False

    async def refresh(self) -> None:
        """Take in what changed since the last time."""
        latest = await self._latest()
        fresh = self._fresh(latest)
        self._note(latest)
        self._take(fresh)

    async def _latest(self) -> tuple[FileVersion, ...]:
        """Every change since a while before the newest that is known, however many of them are our own."""
        since = None if self._newest is None else self._newest - OVERLAP
        limit = AT_ONCE + len(self._taken)
        while len(latest := await self._opened.changes(since=since, limit=limit)) == limit:
            limit *= 4
        return latest

    def _fresh(self, latest: tuple[FileVersion, ...]) -> list[FileVersion]:
        return [one for one in latest if (one.file_id, one.number) not in self._taken]

    def take(self, written: Written) -> None:
        """A change that was made by ourselves."""
        if written.changed:
            self._taken[written.version.file_id, written.version.number] = written.version.written_at
        self._take([written.version])

    def _take(self, versions: Sequence[FileVersion]) -> None:
        """The newest of each file; all that moved or went leave their places before any takes one."""
        newest = {one.file_id: one for one in sorted(versions, key=lambda one: one.number)}
        newest = {key: one for key, one in newest.items() if not self._is_behind(one)}
        for file_id in newest:
            if (place := self._places.pop(file_id, None)) is not None:
                del self.files[place]
        for version in newest.values():
            if version.action != "deleted" and version.path.startswith(self._under):
                self._put(version.path, version.file_id, version.number, version.digest, version.size, version.author)

    def _is_behind(self, version: FileVersion) -> bool:
        place = self._places.get(version.file_id)
        return place is not None and self.files[place].version > version.number

    def _put(self, path: str, file_id: str, version: int, digest: str, size: int, author: Actor) -> None:
        path = path.removeprefix(self._under)
        if path in self.files:
            del self._places[self.files[path].file_id]
        self._places[file_id] = path
        self.files[path] = Kept(file_id=file_id, version=version, digest=digest, size=size, author=author.name)

    def _note(self, versions: tuple[FileVersion, ...]) -> None:
        self._newest = max((one.written_at for one in versions), default=self._newest)
        self._taken |= {(one.file_id, one.number): one.written_at for one in versions}
        if self._newest is not None:
            oldest = self._newest - OVERLAP
            self._taken = {key: at for key, at in self._taken.items() if at >= oldest}
