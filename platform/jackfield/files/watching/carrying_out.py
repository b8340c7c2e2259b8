"""Taking the steps of a plan, each of which leaves both sides whole however it ends."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import aclosing
from functools import partial

import msgspec

from jackfield.contracts.files import Point
from jackfield.errors import (
    BlobDamaged,
    Conflict,
    FileNotThere,
    InvalidRequest,
    StorageFull,
    VersionNotFound,
)
from jackfield.files.open_collection import OpenCollection
from jackfield.files.watching.batch import Change, Done, Side
from jackfield.files.watching.collection_view import CollectionView
from jackfield.files.watching.ledger import Ledger
from jackfield.files.watching.local_folder import LocalFolder, Look
from jackfield.files.watching.plan import Step, StepKind
from jackfield.files.watching.sides import in_step

OF_ONE_FILE = (Conflict, FileNotThere, VersionNotFound, InvalidRequest, StorageFull, BlobDamaged)
"""What stands in the way of one file only; everything else ends the round."""
Tell = Callable[[Change], None]


class StepTaker:
    """Takes steps one after the other; one that fails is told, and those that build on it are left out."""

    def __init__(
        self,
        opened: OpenCollection,
        folder: LocalFolder,
        view: CollectionView,
        ledger: Ledger,
        look: Look,
        *,
        change: str,
        reason: str,
        tell: Tell,
    ) -> None:
        self._opened = opened
        self._folder = folder
        self._view = view
        self._ledger = ledger
        self._look = look
        self._how = {"change": change, "reason": reason}
        self._tell = tell
        self._failed: set[str] = set()
        self._asides: dict[str, str] = {}

    async def take(self, step: Step) -> None:
        """Do one thing, and have it told; raises what is not the fault of one file."""
        if self._failed & {step.path, step.to}:
            return
        try:
            await self._doing(step)(step)
        except OF_ONE_FILE as error:
            self._failed |= {step.path, step.to} - {""}
            self._tell(Change(done="left", side=_side(step.kind), path=step.path, detail=error.message))

    def _doing(self, step: Step) -> Callable[[Step], Awaitable[None]]:
        doings: dict[StepKind, Callable[[Step], Awaitable[None]]] = {
            "move_kept": self._move_kept,
            "move_local": self._move_local,
            "follow": self._follow,
            "set_aside": self._set_aside,
            "copy_aside": self._copy_aside,
            "make_way": self._remove_kept,
            "upload": self._upload,
            "remove_local": self._remove_local,
            "fetch": self._fetch,
            "remove_kept": self._remove_kept,
            "settle": self._settle,
            "forget": self._forget,
        }
        return doings[step.kind]

    async def _move_kept(self, step: Step) -> None:
        at = self._view.full_path
        written = await self._opened.rename(at(step.path), at(step.to), **self._how)
        self._view.take(written)
        self._tell(
            Change(done="renamed", side="collection", path=step.path, to=step.to, version=written.version.number)
        )

    async def _move_local(self, step: Step) -> None:
        await self._renamed_here(step)
        self._tell(Change(done="renamed", side="folder", path=step.path, to=step.to))

    async def _renamed_here(self, step: Step) -> None:
        known = self._look.files[step.path]
        self._look.files[step.to] = await self._folder.rename(self._name(step.path), step.to, known)
        del self._look.files[step.path]

    async def _follow(self, step: Step) -> None:
        file = self._ledger.files[step.path]
        await self._ledger.drop(step.path)
        await self._ledger.put(msgspec.structs.replace(file, path=step.to))

    async def _set_aside(self, step: Step) -> None:
        await self._renamed_here(step)
        self._asides[step.path] = step.to

    async def _copy_aside(self, step: Step) -> None:
        """A copy of what the collection has, before the folder's text goes over it."""
        kept = self._view.files[step.path]
        source = await self._opened.read(self._view.full_path(step.path), Point(number=kept.version))
        async with aclosing(source.pieces) as pieces:
            written = await self._opened.write(
                self._view.full_path(step.to), pieces, expected=0, in_bulk=True, **self._how
            )
        self._view.take(written)
        self._asides[step.path] = step.to

    async def _upload(self, step: Step) -> None:
        path, local, old = step.path, self._look.files[step.path], self._view.files.get(step.path)
        async with aclosing(self._folder.pieces(self._name(path), local)) as pieces:
            written = await self._opened.write(
                self._view.full_path(path), pieces, expected=old.version if old else 0, in_bulk=True, **self._how
            )
        self._view.take(written)
        self._look.files[path] = msgspec.structs.replace(local, digest=written.file.digest)
        await self._settle(step)
        if aside := self._asides.get(path):
            self._tell(Change(done="kept_both", side="collection", path=path, to=aside, version=written.file.version))
        elif written.changed:
            done: Done = "changed" if old else "added"
            self._tell(Change(done=done, side="collection", path=path, version=written.file.version))

    async def _fetch(self, step: Step) -> None:
        path, kept = step.path, self._view.files[step.path]
        source = await self._opened.read(self._view.full_path(path), Point(number=kept.version))
        old = self._look.files.get(path)
        async with aclosing(source.pieces) as pieces:
            fetched = await self._folder.fetch(self._name(path), pieces, old, source.version.digest)
        self._look.files[path] = fetched
        await self._settle(step)
        tell = partial(Change, side="folder", path=path, version=kept.version)
        if aside := self._asides.get(path):
            self._tell(tell(done="kept_both", to=aside))
        else:
            self._tell(tell(done="changed" if old else "added"))

    async def _remove_local(self, step: Step) -> None:
        await self._folder.remove(self._name(step.path), self._look.files[step.path])
        del self._look.files[step.path]
        await self._ledger.drop(step.path)
        self._tell(Change(done="deleted", side="folder", path=step.path))

    async def _remove_kept(self, step: Step) -> None:
        kept = self._view.files[step.path]
        written = await self._opened.delete(self._view.full_path(step.path), expected=kept.version, **self._how)
        self._view.take(written)
        await self._ledger.drop(step.path)
        self._tell(Change(done="deleted", side="collection", path=step.path, version=written.version.number))

    async def _settle(self, step: Step) -> None:
        local, kept = self._look.files[step.path], self._view.files.get(step.path)
        if kept is not None and kept.digest == local.digest:
            await self._ledger.put(in_step(step.path, local, kept))

    async def _forget(self, step: Step) -> None:
        await self._ledger.drop(step.path)

    def _name(self, path: str) -> str:
        """The path as it is written on the disk."""
        return self._look.names.get(path, path)


def _side(kind: StepKind) -> Side:
    return "folder" if kind in {"move_local", "set_aside", "remove_local", "fetch"} else "collection"
