"""Beginning to watch a folder: where it may be, and one process at a time."""

from __future__ import annotations

import asyncio
import platform
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from jackfield.contracts.files import Watch
from jackfield.errors import Conflict, InvalidRequest
from jackfield.files.library import Library
from jackfield.files.open_collection import OpenCollection
from jackfield.files.paths import checked_folder
from jackfield.models.disk import disk_errors


def machine_name() -> str:
    """What this machine calls itself, up to the first dot."""
    return platform.node().split(".")[0] or "this machine"


@asynccontextmanager
async def opened_watch(
    library: Library, home: Path, folder: Path, *, collection: str | None, under: str, both_ways: bool
) -> AsyncIterator[tuple[OpenCollection, Watch]]:
    """A collection and the watch of a folder, which no other process on this machine has until this ends.

    Raises InvalidRequest for a folder that cannot be watched, Conflict for one that is watched already.
    """
    folder = await asyncio.to_thread(_checked, folder, home)
    opened = await library.opened(collection, "write")
    watch = await opened.watches.open(
        opened.name,
        machine=machine_name(),
        folder=str(folder),
        under=checked_folder(under),
        both_ways=both_ways,
    )
    lock = await asyncio.to_thread(_locked, home, watch)
    try:
        yield opened, watch
    finally:
        await asyncio.to_thread(lock.release)


def _checked(folder: Path, home: Path) -> Path:
    try:
        folder = folder.resolve(strict=True)
    except OSError as error:
        raise InvalidRequest(f"There is no folder {folder} to watch ({error.strerror}).") from error
    if not folder.is_dir():
        raise InvalidRequest(f"{folder} is no folder; name the one that it is in.")
    try:
        str(folder).encode()
    except UnicodeEncodeError as error:
        raise InvalidRequest(f"The name of {folder!s:.200} is not valid Unicode; rename it first.") from error
    home = home.resolve()
    if folder == home or home in folder.parents:
        raise InvalidRequest(f"{folder} is part of Jackfield's own data in {home}; watch another folder.")
    return folder


def _locked(home: Path, watch: Watch) -> FileLock:
    with disk_errors(home):
        (home / "watches").mkdir(parents=True, exist_ok=True)
    # Not of a thread: it is taken in one and given back in another.
    lock = FileLock(home / "watches" / f"{watch.id}.lock", thread_local=False)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise Conflict(
            f"Another process keeps {watch.folder} in step with collection '{watch.collection}' already; stop it first."
        ) from error
    return lock
