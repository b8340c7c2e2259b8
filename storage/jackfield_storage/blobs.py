"""Bytes as files, each named for its BLAKE3 digest and put in place only when it is whole and on the disk."""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import AsyncGenerator, AsyncIterable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkstemp
from typing import Any, BinaryIO, TypeVar

from blake3 import blake3

from jackfield.cancellation import carried_through
from jackfield.contracts.uploads import BlobStore, StoredBlob
from jackfield.errors import InvalidRequest, NotFound
from jackfield.models.disk import disk_errors
from jackfield.quantities import readable_bytes

T = TypeVar("T")

PIECE = 1 << 20
"""Bytes that are written and read at a time."""

DIGEST = re.compile("[0-9a-f]{64}")
STALE = 24 * 3600
"""Seconds after which a scratch file was left by a process that died."""


class FileBlobStores:
    """Implements `jackfield.contracts.uploads.BlobStoreFactory`."""

    def open(self, folder: Path) -> BlobStore:
        return FileBlobs(folder)


class FileBlobs:
    """Implements `jackfield.contracts.uploads.BlobStore`; `ab/abcd…` holds the bytes of digest `abcd…`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._swept = False

    async def put(self, chunks: AsyncIterable[bytes], *, most: int) -> tuple[str, int]:
        scratch = _Scratch()
        try:
            async for piece, is_last in _pieces(chunks):
                if scratch.size + len(piece) > most:
                    raise InvalidRequest(f"The file is larger than the {readable_bytes(most)} that are allowed.")
                await self._on_disk(self._write, scratch, piece, is_last)
        finally:
            if scratch.is_open:
                await self._on_disk(scratch.drop)
        return scratch.digest, scratch.size

    async def read(self, digest: str) -> AsyncGenerator[bytes]:
        blob = _Blob(self._known_place(digest), digest)
        try:
            while not blob.is_over and (piece := await self._on_disk(blob.piece)):
                yield piece
        finally:
            if blob.is_open:
                await self._on_disk(blob.close)

    async def remove(self, digest: str) -> bool:
        return bool(DIGEST.fullmatch(digest)) and await self._on_disk(_unlinked, self._place(digest))

    async def all(self) -> AsyncGenerator[StoredBlob]:
        for folder in await self._on_disk(_subfolders, self._folder):
            for blob in await self._on_disk(_blobs_in, folder):
                yield blob

    async def _on_disk(self, work: Callable[..., T], *values: Any) -> T:
        """What work gives in a thread; a cancel waits for it, for nothing may be left open or half done."""

        def worked() -> T:
            with disk_errors(self._folder):
                return work(*values)

        return await carried_through(asyncio.to_thread(worked))

    def _write(self, scratch: _Scratch, piece: bytes, is_last: bool) -> None:
        """All that a small file takes, at once: each change of thread costs as much as its bytes."""
        if not scratch.is_open:
            scratch.open(self._incoming())
        scratch.write(piece)
        if is_last:
            scratch.move(self._place)

    def _known_place(self, digest: str) -> Path:
        if not DIGEST.fullmatch(digest):
            raise _no_blob(digest)
        return self._place(digest)

    def _place(self, digest: str) -> Path:
        return self._folder / digest[:2] / digest

    def _incoming(self) -> Path:
        """The folder of scratch files, without those of processes that died."""
        folder = self._folder / "incoming"
        folder.mkdir(parents=True, exist_ok=True)
        if not self._swept:
            for path in folder.iterdir():
                with suppress(FileNotFoundError):  # in its place since
                    if path.stat().st_mtime < time.time() - STALE:
                        path.unlink()
            self._swept = True
        return folder


class _Scratch:
    """A file that is being written, in the same file system as its place."""

    def __init__(self) -> None:
        self._descriptor: int | None = None
        self._path: Path | None = None
        self._hasher = blake3()
        self.size = 0

    @property
    def is_open(self) -> bool:
        """Whether there is anything to drop."""
        return self._descriptor is not None or self._path is not None

    @property
    def digest(self) -> str:
        """Of what was written so far."""
        return self._hasher.hexdigest()

    def open(self, folder: Path) -> None:
        self._descriptor, name = mkstemp(dir=folder)
        self._path = Path(name)

    def write(self, piece: bytes) -> None:
        self._hasher.update(piece)
        self.size += len(piece)
        rest = memoryview(piece)
        while rest:
            rest = rest[os.write(self._opened, rest) :]

    def move(self, place: Callable[[str], Path]) -> None:
        """Close the file and put it under its digest, over the same bytes if they are there."""
        os.fsync(self._opened)
        self._close()
        target = place(self.digest)
        if not target.parent.exists():
            target.parent.mkdir(exist_ok=True)
            _sync_folder(target.parent.parent)
        assert self._path is not None
        self._path.replace(target)
        self._path = None
        _sync_folder(target.parent)

    def drop(self) -> None:
        """Close and delete what was not moved."""
        self._close()
        if self._path is not None:
            self._path.unlink(missing_ok=True)
            self._path = None

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    @property
    def _opened(self) -> int:
        assert self._descriptor is not None
        return self._descriptor


class _Blob:
    """A file that is being read, and closed with its last piece; `is_over` says that there is no other."""

    def __init__(self, path: Path, digest: str) -> None:
        self._path = path
        self._digest = digest
        self._file: BinaryIO | None = None
        self.is_over = False

    @property
    def is_open(self) -> bool:
        """Whether there is anything to close."""
        return self._file is not None

    def piece(self) -> bytes:
        if self._file is None:
            self._file = self._opened()
        piece = self._file.read(PIECE)
        if len(piece) < PIECE:
            self.close()
            self.is_over = True
        return piece

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _opened(self) -> BinaryIO:
        try:
            return self._path.open("rb")
        except FileNotFoundError as error:
            raise _no_blob(self._digest) from error


async def _pieces(chunks: AsyncIterable[bytes]) -> AsyncGenerator[tuple[bytes, bool]]:
    """Small chunks joined, for each piece costs a change of thread; with each, whether it is the last."""
    gathered = bytearray()
    async for chunk in chunks:
        gathered += chunk
        if len(gathered) >= PIECE:
            yield bytes(gathered), False
            gathered.clear()
    yield bytes(gathered), True


def _unlinked(path: Path) -> bool:
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    return True


def _subfolders(folder: Path) -> list[Path]:
    return (
        sorted(path for path in folder.iterdir() if re.fullmatch("[0-9a-f]{2}", path.name)) if folder.exists() else []
    )


def _blobs_in(folder: Path) -> list[StoredBlob]:
    found: list[StoredBlob] = []
    for path in folder.iterdir():
        try:
            status = path.stat()
        except FileNotFoundError:
            continue  # removed meanwhile
        if DIGEST.fullmatch(path.name):
            at = datetime.fromtimestamp(status.st_mtime, UTC)
            found.append(StoredBlob(digest=path.name, size=status.st_size, stored_at=at))
    return found


def _sync_folder(folder: Path) -> None:
    """Make a rename outlive a power cut, where the system lets folders be synced."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _no_blob(digest: str) -> NotFound:
    return NotFound(f"No bytes are stored under '{digest}'.")
