"""Files on their way in: a scratch folder for each reference, held by one pull at a time, machine-wide."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from jackfield.models.disk import disk_errors, disk_failure

if TYPE_CHECKING:
    from filelock import BaseFileLock

LOOK_AGAIN = 0.2
"""Seconds between two looks at a lock that another holds."""


class Incoming:
    """The `.incoming` folder. What an interrupted pull leaves there lets the next one go on from it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @asynccontextmanager
    async def held(self, key: str, *, waiting: Callable[[], None] | None = None) -> AsyncIterator[Path]:
        """The scratch folder of a key, which may not exist yet, ours alone until left.

        `waiting` is called once if another has it. The lock is the kernel's and ends with its process, in any
        way; its empty file stays, because removing it would let two processes hold two files of one name.
        """
        from filelock import FileLock  # slow to import, and only changes to the catalogue need it

        scratch = self._folder / hashlib.sha256(key.encode()).hexdigest()[:24]
        with disk_errors(scratch):
            self._folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(scratch.with_suffix(".lock"), thread_local=False)
        await _acquired(lock, scratch, waiting)
        try:
            yield scratch
        finally:
            lock.release()


async def _acquired(lock: BaseFileLock, scratch: Path, waiting: Callable[[], None] | None) -> None:
    if _taken(lock, scratch):
        return
    if waiting:
        waiting()
    while not _taken(lock, scratch):  # noqa: ASYNC110 - the lock is another process's, which sets no event here
        await asyncio.sleep(LOOK_AGAIN)


def _taken(lock: BaseFileLock, scratch: Path) -> bool:
    try:
        lock.acquire(blocking=False)
    except TimeoutError:  # another holds it
        return False
    except OSError as error:
        raise disk_failure(scratch, error) from error
    return True


def discard(scratch: Path) -> None:
    """Remove a held scratch folder, if it is there, with all that is in it."""
    if scratch.exists():
        with disk_errors(scratch):
            shutil.rmtree(scratch)
