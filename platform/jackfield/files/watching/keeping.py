"""Keeping a folder and a collection in step for as long as it runs: a round whenever something changed on a side."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Any

from jackfield.errors import DiskFull, MissingDependency, StateUnavailable
from jackfield.files.watching.batch import Batch
from jackfield.files.watching.folder_watch import FolderWatch

GATHERED_MS = 800
"""How long changes that follow one another are gathered."""
HEARTBEAT = 2.0
"""Seconds after which the folder is looked for where nothing changes."""
WITHOUT_NOTICE = 10.0
"""Seconds between rounds where the system tells of no changes."""
RETRY = 15.0
"""Seconds after which a round is tried again that failed, or that left something alone."""
EVERYTHING = 600.0
"""Seconds after which both sides are looked at anew, whatever was noticed."""


class Keeping:
    """Rounds until it is cancelled or the folder is gone. `remark` takes sentences for who is watching it."""

    def __init__(
        self,
        watch: FolderWatch,
        *,
        report: Callable[[Batch], None],
        remark: Callable[[str], None],
        poll: float = 2.0,
    ) -> None:
        self._watch = watch
        self._report = report
        self._remark = remark
        self._poll = poll
        self._changed = asyncio.Event()
        self._rest = EVERYTHING
        self._all_seen_at = 0.0

    async def run(self) -> None:
        """Raises FolderGone, MassDeletion, and what rounds raise that trying again does not mend."""
        noticing = [self._notice_folder()]
        if self._watch.watch.both_ways:
            noticing.append(self._notice_collection())
        tasks = [asyncio.create_task(self._waking(one)) for one in noticing]
        try:
            while True:
                pause = await self._round()
                await self._pause(pause)
                for task in tasks:
                    if task.done():
                        task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _waking(self, work: Coroutine[Any, Any, None]) -> None:
        """Work whose end is looked at soon."""
        try:
            await work
        finally:
            self._changed.set()

    async def _round(self) -> float:
        """How many seconds until the next is due."""
        everything = time.monotonic() - self._all_seen_at > EVERYTHING
        self._changed.clear()
        try:
            batch = await self._watch.reconcile(everything=everything)
        except DiskFull:
            raise
        except StateUnavailable as error:
            self._remark(f"{error.message} Trying again in {RETRY:.0f} seconds.")
            return RETRY
        if everything:
            self._all_seen_at = time.monotonic()
        self._report(batch)
        if batch.waiting:
            return max(self._watch.folder.settling.quiet, 0.1)
        return min(self._rest, RETRY if batch.left else EVERYTHING)

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()

    async def _notice_folder(self) -> None:
        folder = self._watch.folder
        try:
            from watchfiles import awatch
        except ModuleNotFoundError as error:
            raise MissingDependency("Watching a folder needs watchfiles: `pip install 'jackfield[local]'`.") from error

        events = awatch(
            folder.root,
            watch_filter=lambda change, path: not folder.selection.folder_left_out(_below(folder.root, path)),
            debounce=GATHERED_MS,
            rust_timeout=int(HEARTBEAT * 1000),
            yield_on_timeout=True,
            ignore_permission_denied=True,
        )
        try:
            async with aclosing(events):
                async for changes in events:
                    folder.check()
                    if changes:
                        self._changed.set()
        except (OSError, RuntimeError, ExceptionGroup) as error:
            self._remark(
                f"The system does not tell of changes in {folder.root} ({error}); "
                f"it is looked at every {WITHOUT_NOTICE:.0f} seconds instead."
            )
            self._rest = WITHOUT_NOTICE

    async def _notice_collection(self) -> None:
        while True:
            await asyncio.sleep(self._poll)
            try:
                if await self._watch.view.has_news():
                    self._changed.set()
            except StateUnavailable:
                self._changed.set()  # the round says so


async def in_step_once(watch: FolderWatch, *, patience: float = 60.0) -> Batch:
    """Rounds until nothing waits that is still being written, or patience ends; the last one's outcome."""
    deadline = time.monotonic() + patience
    while True:
        batch = await watch.reconcile()
        if not batch.waiting or time.monotonic() > deadline:
            return batch
        await asyncio.sleep(max(watch.folder.settling.quiet, 0.1))


def _below(root: Path, path: str) -> str:
    return path.removeprefix(str(root)).lstrip("/\\")
