"""Bytes of this machine's files and of standard input, piece by piece."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import BinaryIO, cast

from jackfield.errors import Conflict, InvalidRequest, NotFound
from jackfield.quantities import readable_bytes

PIECE = 1 << 20
STDIN = "-"

Count = Callable[[int], None]
"""Takes how many more bytes were read."""


async def file_bytes(source: Path, *, most: int, count: Count | None = None) -> AsyncGenerator[bytes]:
    """A file's bytes; raises NotFound, InvalidRequest also where it is larger than `most`, before anything is read,
    or Conflict where somebody writes it meanwhile.
    """
    try:
        file = await asyncio.to_thread(_opened, source)
    except FileNotFoundError as error:
        raise NotFound(f"There is no file '{source}'.") from error
    except OSError as error:
        raise _unreadable(source, error) from error
    with file:
        before = os.fstat(file.fileno())
        if before.st_size > most:
            raise InvalidRequest(
                f"'{source}' has {readable_bytes(before.st_size)}, and {readable_bytes(most)} are allowed "
                "(files.largest_mb)."
            )
        async for piece in _pieces(file, str(source)):
            if count:
                count(len(piece))
            yield piece
        after = os.fstat(file.fileno())
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise Conflict(f"'{source}' was written while it was read; add it again when that is done.")


async def stdin_bytes() -> AsyncGenerator[bytes]:
    """Everything that is piped in; raises InvalidRequest where somebody would have to type it."""
    if sys.stdin is None or sys.stdin.isatty():
        raise InvalidRequest("There is nothing on standard input; pipe something in, or name a file.")
    async for piece in _pieces(sys.stdin.buffer, "standard input"):
        yield piece


async def _pieces(file: BinaryIO, name: str) -> AsyncGenerator[bytes]:
    while True:
        try:
            piece = await asyncio.to_thread(file.read, PIECE)
        except OSError as error:
            raise _unreadable(name, error) from error
        if not piece:
            return
        yield piece


def _opened(source: Path) -> BinaryIO:
    return cast("BinaryIO", source.open("rb", buffering=0))


def _unreadable(source: Path | str, error: OSError) -> InvalidRequest:
    return InvalidRequest(f"'{source}' cannot be read: {error.strerror}.")
