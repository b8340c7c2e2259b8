"""A folder and a collection that are kept in step, round by round."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime
from typing import TypeVar

from jackfield.contracts.files import Watch
from jackfield.errors import MassDeletion
from jackfield.files.open_collection import OpenCollection
from jackfield.files.watching.asides import aside_path
from jackfield.files.watching.batch import Batch, Change
from jackfield.files.watching.carrying_out import StepTaker, Tell
from jackfield.files.watching.collection_view import CollectionView
from jackfield.files.watching.deletions import mass_deletion
from jackfield.files.watching.ledger import Ledger
from jackfield.files.watching.local_folder import LocalFolder, Look
from jackfield.files.watching.plan import Clash, Plan, plan
from jackfield.identifiers import new_identifier

T = TypeVar("T")

Confirm = Callable[[str], Awaitable[bool]]
"""Asks a person a question that a sentence leads to."""


class FolderWatch:
    """Keeps in step when it is told to; one at a time for each folder, see `opening`."""

    def __init__(
        self,
        opened: OpenCollection,
        watch: Watch,
        folder: LocalFolder,
        *,
        allow_mass_delete: bool = False,
        confirm: Confirm | None = None,
        tell: Tell = lambda change: None,
    ) -> None:
        self.watch = watch
        self.folder = folder
        self.view = CollectionView(opened, watch.under)
        self._opened = opened
        self._ledger = Ledger(opened.watches, watch.id)
        self._allow_mass_delete = allow_mass_delete
        self._confirm = confirm
        self._tell = tell
        self._told: dict[str, str] = {}
        self._loaded = False

    async def reconcile(self, *, everything: bool = False) -> Batch:
        """Bring both sides in step as far as they can be; with `everything` the collection is read anew.

        Raises FolderGone, MassDeletion, and what keeps the collection from being used; what is in step then is on
        record. Trouble with single files is told, and tried again the next time.
        """
        began = time.monotonic()
        await self._look_at_collection(everything)
        look = await self.folder.look(self._ledger.files)
        made = await asyncio.to_thread(self._plan, look)
        await self._check_deletions(made, look)
        changes: list[Change] = []
        change = new_identifier("watch")
        taker = StepTaker(
            self._opened,
            self.folder,
            self.view,
            self._ledger,
            look,
            change=change,
            reason=f"watched folder {self.watch.folder} on {self.watch.machine}",
            tell=lambda one: self._take_down(one, changes),
        )
        for one in (*_clashes(made.clashes), *_left(look.left)):
            self._take_down(one, changes)
        try:
            for step in made.steps:
                await taker.take(step)
        finally:
            await self._ledger.flush()
        self._loaded = True
        return Batch(
            change=change,
            changes=tuple(changes),
            waiting=tuple(sorted(look.waiting)),
            ignored=dict(look.ignored),
            files=len(look.files),
            seconds=time.monotonic() - began,
        )

    async def _look_at_collection(self, everything: bool) -> None:
        if not self._loaded:
            await self._ledger.load()
        if everything or not self._loaded:
            await self.view.load()
        else:
            await self.view.refresh()

    def _plan(self, look: Look) -> Plan:
        """For what both sides may be asked about: selected, and not left alone in the folder."""
        return plan(
            look.files,
            self._visible(self.view.files, look),
            self._visible(self._ledger.files, look),
            both_ways=self.watch.both_ways,
            aside=self._aside,
        )

    def _visible(self, files: Mapping[str, T], look: Look) -> dict[str, T]:
        left_out = self.folder.selection.left_out
        return {path: file for path, file in files.items() if not look.is_apart(path) and not left_out(path)}

    def _aside(self, path: str, who: str, number: int) -> str:
        return aside_path(path, who or self.watch.machine, datetime.now().astimezone(), number)

    async def _check_deletions(self, made: Plan, look: Look) -> None:
        if self._allow_mass_delete:
            return
        sentence = mass_deletion(
            made,
            in_common=len(self._visible(self._ledger.files, look)),
            folder=len(look.files),
            collection=len(self._visible(self.view.files, look)),
            first=not self._loaded,
        )
        if sentence and not (self._confirm and await self._confirm(f"{sentence}.")):
            raise MassDeletion(
                f"{sentence}: nothing was deleted. If a disk is missing, put it back; if they are meant to go, "
                "watch the folder with --allow-mass-delete."
            )

    def _take_down(self, change: Change, changes: list[Change]) -> None:
        """What is left alone is told once for each reason."""
        if change.done == "left":
            if self._told.get(change.path) == change.detail:
                return
            self._told[change.path] = change.detail
        else:
            self._told.pop(change.path, None)
        changes.append(change)
        self._tell(change)


def _clashes(clashes: Iterable[Clash]) -> Iterable[Change]:
    for clash in clashes:
        detail = f"differs only in case from '{clash.other}'; rename one of them"
        yield Change(done="left", side="collection", path=clash.path, to=clash.other, detail=detail)


def _left(left: Mapping[str, str]) -> Iterable[Change]:
    for path, detail in left.items():
        if detail:
            yield Change(done="left", side="collection", path=path, detail=detail)
