"""A folder that is watched, and the collection it is kept in step with."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from jackfield.files.library import Library
from jackfield.files.open_collection import OpenCollection
from jackfield.files.watching.batch import Batch
from jackfield.files.watching.folder_watch import FolderWatch
from jackfield.files.watching.local_folder import LocalFolder
from jackfield.files.watching.selection import Selection
from jackfield.testing.file_library import all_bytes, pieces


class Watched:
    """A folder and a collection; each `reconcile` is as by a process that has just begun."""

    def __init__(self, folder: Path, library: Library, opened: OpenCollection) -> None:
        self.folder = folder
        self.library = library
        self.opened = opened
        self._writes = 0

    def put(self, path: str, text: str) -> Path:
        """Write a file, with a time that no other of its writes has."""
        place = self.folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        self._writes += 1
        os.utime(place, ns=(0, 1_700_000_000_000_000_000 + self._writes))
        return place

    def local(self) -> dict[str, str]:
        """The folder's files that are not hidden, with their texts."""
        return {
            str(path.relative_to(self.folder)): path.read_text()
            for path in sorted(self.folder.rglob("*"))
            if path.is_file() and not path.name.startswith(".")
        }

    async def add(self, path: str, text: str) -> None:
        """Write a file in the collection."""
        await self.opened.write(path, pieces(text.encode()))

    async def kept(self) -> dict[str, str]:
        """The collection's files with their texts."""
        return {file.path: (await all_bytes(self.opened, file.path)).decode() for file in await self.opened.every()}

    async def watch(self, *, both_ways: bool = False, under: str = "", **how: Any) -> FolderWatch:
        """What keeps both in step, round by round."""
        selection = how.pop("selection", Selection())
        quiet = how.pop("quiet", 0.0)
        watch = await self.opened.watches.open(
            self.opened.name, machine="box", folder=str(self.folder), under=under, both_ways=both_ways
        )
        return FolderWatch(self.opened, watch, LocalFolder(self.folder, selection, quiet=quiet), **how)

    async def reconcile(self, **how: Any) -> Batch:
        """One round."""
        return await (await self.watch(**how)).reconcile()
