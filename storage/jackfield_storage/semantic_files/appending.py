"""Bytes that are added to the end of a file: kept apart until they are, for others may append meanwhile."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO
from weakref import WeakValueDictionary

from jackfield.cancellation import carried_through
from jackfield.errors import InvalidRequest
from jackfield.models.disk import disk_errors
from jackfield.quantities import readable_bytes

IN_MEMORY = 1 << 20
"""Bytes beyond which they are kept in a file."""


class Tail:
    """Bytes that can be read as often as it takes."""

    def __init__(self, file: IO[bytes], most: int) -> None:
        self._file = file
        self._most = most
        self._size = 0

    async def fill(self, chunks: AsyncIterable[bytes]) -> None:
        """Take bytes in; raises DiskFull."""
        async for chunk in chunks:
            self._size += len(chunk)
            if self._size > self._most:
                raise InvalidRequest(f"The file is larger than the {readable_bytes(self._most)} that are allowed.")
            await carried_through(asyncio.to_thread(self._write, chunk))

    async def pieces(self) -> AsyncGenerator[bytes]:
        """All of them."""
        at = 0
        while piece := await carried_through(asyncio.to_thread(self._read, at)):
            at += len(piece)
            yield piece

    def _write(self, chunk: bytes) -> None:
        with disk_errors(Path(tempfile.gettempdir())):
            self._file.write(chunk)

    def _read(self, at: int) -> bytes:
        with disk_errors(Path(tempfile.gettempdir())):
            self._file.seek(at)
            return self._file.read(IN_MEMORY)


@asynccontextmanager
async def kept_tail(chunks: AsyncIterable[bytes], *, most: int) -> AsyncIterator[Tail]:
    """Bytes as they come in, for as long as the block takes; raises InvalidRequest beyond `most`."""
    with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as file:
        tail = Tail(file, most)
        await tail.fill(chunks)
        yield tail


class Turns:
    """One at a time for each file of this process, for each that appends reads all that is there."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()

    def of(self, collection: str, path: str) -> asyncio.Lock:
        """The lock of a file."""
        return self._locks.setdefault((collection, path), asyncio.Lock())


async def joined(*parts: AsyncIterable[bytes]) -> AsyncGenerator[bytes]:
    """The bytes of each, one after the other."""
    for part in parts:
        async for piece in part:
            yield piece
