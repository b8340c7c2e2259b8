"""Files that are under their name only once they are whole and verified."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Self

from jackfield.errors import ChecksumMismatch
from jackfield.models.disk import disk_failure, file_sha256

BLOCK = 1 << 18
"""Bytes moved at a time."""


def partial_path(target: Path) -> Path:
    """Where a file is while it is not whole."""
    return target.with_name(target.name + ".partial")


def is_whole(target: Path, sha256: str | None) -> bool:
    """Whether an earlier try finished a file; one whose content is not as expected is deleted."""
    try:
        if not target.is_file():
            return False
        if sha256 is None or file_sha256(target) == sha256:
            return True
        target.unlink()
    except OSError as error:
        raise disk_failure(target, error) from error
    return False


class PartialFile:
    """A file on its way in, from where an earlier try left it; every byte written is the system's at once.

    Used as a context manager. Left without `finish`, what there is stays, to be gone on from.
    """

    def __init__(self, target: Path, *, sha256: str | None = None) -> None:
        self._target = target
        self._path = partial_path(target)
        self._sha256 = sha256
        self._digest = hashlib.sha256()
        self._file: FileIO
        self.size = 0

    def __enter__(self) -> Self:
        try:
            self._file = FileIO(self._path, "a+")
            self._file.seek(0)
            while block := self._file.read(BLOCK):
                self._digest.update(block)
                self.size += len(block)
        except OSError as error:
            raise disk_failure(self._path, error) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):  # every write was checked when it was made
            self._file.close()

    def write(self, block: bytes, *, whole: int | None = None) -> None:
        """Append; raises DiskFull, which names the whole file's size if that is known."""
        rest = memoryview(block)
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            raise disk_failure(self._path, error, needed=whole) from error
        self._digest.update(block)
        self.size += len(block)

    def restart(self) -> None:
        """Forget what came so far."""
        try:
            self._file.truncate(0)
        except OSError as error:
            raise disk_failure(self._path, error) from error
        self._digest = hashlib.sha256()
        self.size = 0

    def finish(self, origin: str) -> Path:
        """Give the file its name; raises ChecksumMismatch, and then nothing of it is kept."""
        found = self._digest.hexdigest()
        try:
            os.fsync(self._file.fileno())
            self._file.close()
            if self._sha256 and found != self._sha256:
                self._path.unlink()
                raise ChecksumMismatch(
                    f"What came from {origin} has SHA-256 {found} where {self._sha256} was expected; "
                    "nothing was kept. Pull it again, and if that fails too, do not trust where it comes from."
                )
            self._path.replace(self._target)
        except OSError as error:
            raise disk_failure(self._target, error) from error
        return self._target
