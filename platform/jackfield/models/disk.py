"""The disk under model files: room enough, its failures in words, and what a file's content is."""

from __future__ import annotations

import errno
import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jackfield.errors import DiskFull, JackfieldError, StateUnavailable
from jackfield.quantities import readable_bytes

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
"""No room on the device, in the quota, or under the file size limit."""


def require_space(folder: Path, needed: int) -> None:
    """Raises DiskFull where fewer than `needed` bytes are free under an existing folder."""
    with disk_errors(folder):
        free = shutil.disk_usage(folder).free
    if needed > free:
        raise DiskFull(
            f"{folder} needs {readable_bytes(needed)} more and its disk has {readable_bytes(free)} free; "
            "make room, or set JACKFIELD_HOME to a folder on another disk."
        )


@contextmanager
def disk_errors(path: Path, *, needed: int | None = None) -> Iterator[None]:
    """Turn the operating system's errors about a path into DiskFull or StateUnavailable."""
    try:
        yield
    except OSError as error:
        raise disk_failure(path, error, needed=needed) from error


def disk_failure(path: Path, error: OSError, *, needed: int | None = None) -> JackfieldError:
    """An operating system's error about a path, in words; `needed` is the whole file's size in bytes."""
    if error.errno in FULL:
        size = f"the {readable_bytes(needed)} of {path}" if needed else str(path)
        return DiskFull(f"The disk is too full for {size}; make room, or set JACKFIELD_HOME to another disk.")
    return StateUnavailable(f"{path} cannot be used: {error.strerror or error}; check the folder and its permissions.")


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file's content, in hexadecimal; reads all of it."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
