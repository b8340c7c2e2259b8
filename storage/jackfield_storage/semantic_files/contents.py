"""Which content a version has within a transaction: one that is known, or one that was prepared before."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

from sqlalchemy import Connection

from jackfield_storage.blob_uses import keep
from jackfield_storage.semantic_index.contents import entered
from jackfield_storage.semantic_index.prepared import Prepared

Preparations = dict[tuple[str, str], Prepared]
"""By digest and path."""


class NotPrepared(Exception):
    """Tells `SqlFiles` to give the transaction up, prepare this content, and begin again; it goes no further."""

    def __init__(self, digest: str, path: str, size: int) -> None:
        super().__init__(digest, path, size)
        self.digest = digest
        self.path = path
        self.size = size


def content_of(connection: Connection, prepared: Preparations, digest: str, path: str, size: int) -> int:
    """The content of bytes that come in."""
    known = prepared.get((digest, path))
    if known is None:
        raise NotPrepared(digest, path, size)
    keep(connection, (digest,))
    return entered(connection, known)


def content_again(connection: Connection, prepared: Preparations, earlier: Any, path: str) -> int:
    """The content of an earlier version under a path: the same, unless another extractor would read it there."""
    if earlier.content_id is not None and _kind(earlier.path) == _kind(path):
        return int(earlier.content_id)
    return content_of(connection, prepared, earlier.digest, path, earlier.size)


def _kind(path: str) -> str:
    """What extractors go by, beside the bytes: a name's end, or the whole name where it has none."""
    name = PurePosixPath(path)
    return (name.suffix or name.name).lower()
