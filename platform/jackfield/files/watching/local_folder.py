"""A watched folder: what is in it, and its files' bytes on their way to a collection and back."""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from jackfield.cancellation import carried_through
from jackfield.contracts.files import CommonFile
from jackfield.errors import Conflict, FolderGone
from jackfield.files.paths import parents
from jackfield.files.watching.local_files import PIECE, LocalFiles, told
from jackfield.files.watching.scan import Scan, Seen, identity, scan, seen
from jackfield.files.watching.selection import Selection
from jackfield.files.watching.settling import Settling
from jackfield.files.watching.sides import Local

T = TypeVar("T")

READ_AT_ONCE = 64 << 20
"""Bytes whose digests are taken before others have a turn."""
STALE = 24 * 3600
"""Seconds after which a scratch file was left by a process that died."""


class Look(msgspec.Struct, kw_only=True):
    """The folder as it was found: its files, those that are still written, and what is left alone and why."""

    files: dict[str, Local]
    waiting: set[str]
    left: dict[str, str]
    ignored: Counter[str]
    names: dict[str, str]
    """Paths as they are written on the disk."""

    def is_apart(self, path: str) -> bool:
        """Whether nothing may be concluded of a path: it is there, or may be, and cannot be read."""
        return path in self.waiting or any(one in self.left for one in (path, *parents(path)))


class LocalFolder:
    """Made for a folder that is there; raises FolderGone where it is not, or is another one by now."""

    def __init__(self, root: Path, selection: Selection, *, quiet: float = 2.0, apart: Path | None = None) -> None:
        self.root = root
        self.selection = selection
        self.settling = Settling(quiet)
        self._apart = apart
        self._files = LocalFiles(root)
        self._identity = identity(root)
        self._known: dict[str, Local] = {}

    def check(self) -> None:
        """Raises FolderGone unless the folder is the one that was there at first."""
        if identity(self.root) != self._identity:
            raise FolderGone(
                f"Another folder is at {self.root} than before, as when a disk is taken away or put in; "
                "nothing was deleted. Watch it again when that is settled."
            )

    async def look(self, common: Mapping[str, CommonFile]) -> Look:
        """Everything in the folder; bytes are read only of files that look otherwise than when they were in step."""
        found = await self._in_thread(self._scanned)
        look = Look(
            files={},
            waiting=set(),
            left=found.left,
            ignored=found.ignored,
            names={path: file.name for path, file in found.files.items()},
        )
        unread: list[tuple[str, Seen]] = []
        for path, file in found.files.items():
            if (digest := self._digest_on_record(path, file, common)) is not None:
                look.files[path] = local(file, digest)
            elif self.settling.is_settled(path, file):
                unread.append((path, file))
            else:
                look.waiting.add(path)
        for batch in _batches(unread):
            await self._in_thread(self._read, batch, look)
        self._known = look.files
        return look

    async def pieces(self, name: str, known: Local) -> AsyncGenerator[bytes]:
        """A file's bytes; raises Conflict where they are not, to the end, those that were looked at."""
        with told(name), self._files.opened(name) as descriptor:
            while True:
                piece = await self._in_thread(os.read, descriptor, PIECE)
                if local(seen(name, os.fstat(descriptor)), known.digest) != known:
                    raise Conflict(f"'{name}' is being written; it waits until that is done.")
                if not piece:
                    return
                yield piece

    async def fetch(self, name: str, pieces: AsyncIterable[bytes], old: Local | None, digest: str) -> Local:
        """Write a file whole or not at all; `old` is what may be replaced, and is still there."""
        descriptor, scratch = await self._in_thread(self._files.scratch, name)
        try:
            async for piece in pieces:
                with told(name):
                    await self._in_thread(_write_all, descriptor, piece)
            found = await self._in_thread(self._files.put, descriptor, scratch, name, old)
        finally:
            os.close(descriptor)
            scratch.unlink(missing_ok=True)
        return local(found, digest)

    async def rename(self, name: str, new_name: str, known: Local) -> Local:
        found = await self._in_thread(self._files.rename, name, new_name, known)
        return local(found, known.digest)

    async def remove(self, name: str, known: Local) -> None:
        await self._in_thread(self._files.remove, name, known)

    def _scanned(self) -> Scan:
        self.check()
        found = scan(self.root, self.selection, apart=self._apart)
        self.check()
        for name in found.scratch:
            with suppress(OSError):
                if (self.root / name).stat().st_mtime < time.time() - STALE:
                    (self.root / name).unlink()
        return found

    def _digest_on_record(self, path: str, file: Seen, common: Mapping[str, CommonFile]) -> str | None:
        for past in (self._known.get(path), common.get(path)):
            if past and (past.size, past.modified_ns, past.inode) == (file.size, file.modified_ns, file.inode):
                return past.digest
        return None

    def _read(self, batch: list[tuple[str, Seen]], look: Look) -> None:
        for path, file in batch:
            try:
                digest = self._files.digest(file.name, file)
            except FileNotFoundError:
                self.check()
                look.waiting.add(path)
            except OSError as error:
                look.left[path] = f"cannot be read ({error.strerror})"
            else:
                if digest is None:
                    look.waiting.add(path)
                else:
                    look.files[path] = local(file, digest)

    async def _in_thread(self, work: Callable[..., T], *values: Any) -> T:
        """A cancel waits for the thread, for nothing may be left open or half done."""
        return await carried_through(asyncio.to_thread(work, *values))


def local(file: Seen, digest: str) -> Local:
    """A file with what its bytes are."""
    return Local(size=file.size, modified_ns=file.modified_ns, inode=file.inode, digest=digest)


def _batches(files: list[tuple[str, Seen]]) -> list[list[tuple[str, Seen]]]:
    batches: list[list[tuple[str, Seen]]] = []
    room = 0
    for path, file in files:
        if room <= 0:
            batches.append([])
            room = READ_AT_ONCE
        batches[-1].append((path, file))
        room -= file.size + PIECE // 8  # opening one costs time too
    return batches


def _write_all(descriptor: int, piece: bytes) -> None:
    rest = memoryview(piece)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
