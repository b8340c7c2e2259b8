"""What was read out of a version, and reading it where that has not been done yet."""

from __future__ import annotations

from contextlib import aclosing
from functools import partial
from pathlib import PurePosixPath

import msgspec
from blake3 import blake3
from sqlalchemy import Connection, bindparam, select

from jackfield.contracts.files import FileStoreParts, FileVersion, IndexState, Point
from jackfield.errors import FileUnreadable, NotFound, Unavailable
from jackfield_storage.engine import Database
from jackfield_storage.semantic_files.heads import collection_named
from jackfield_storage.semantic_files.reading import checked_pieces, meant_version
from jackfield_storage.semantic_files.rows import file_version
from jackfield_storage.semantic_index.pending import Claimed, settled
from jackfield_storage.semantic_index.prepared import Prepared
from jackfield_storage.semantic_index.reading import ContentReader
from jackfield_storage.tables import ContentRow

_CONTENT = select(*ContentRow.__table__.columns).where(ContentRow.id == bindparam("content_id"))

BLANK = 64 << 10
"""Bytes up to which a file without passages may be a text of nothing but spaces."""


class Read(msgspec.Struct, frozen=True, kw_only=True):
    """A version, and what has been read out of it."""

    version: FileVersion
    content: Claimed | None = None
    state: IndexState = "pending"
    error: str | None = None
    text_digest: str | None = None


class Texts:
    """Texts of versions."""

    def __init__(self, database: Database, parts: FileStoreParts) -> None:
        self._database = database
        self._blobs = parts.blobs
        self._reader = ContentReader(parts)

    async def of(self, collection: str, path: str, point: Point) -> str:
        """A version's text; raises FileUnreadable, BlobDamaged, and Unavailable where it cannot be read just now."""
        read = await self._database.look(partial(_read, collection_name=collection, path=path, point=point))
        if read.state == "pending":
            read = await self._read_now(read)
        if read.state == "pending":
            raise Unavailable(f"'{path}' cannot be read now; try again in a moment.")
        if read.state == "empty":
            return await self._blank(read.version)
        if read.text_digest is None:
            raise FileUnreadable(f"'{path}' has no text: {read.error or 'nothing was read out of it.'}")
        if read.text_digest == read.version.digest:
            return (await self._bytes(read.version)).decode()
        text = await self._kept(read.text_digest)
        return text.decode() if text is not None else await self._anew(read)

    async def _read_now(self, read: Read) -> Read:
        """Read a version's text, which the index then need not."""
        prepared, content = await self._prepared(read.version), read.content
        if content is not None:
            await self._database.commit(lambda connection: settled(connection, content, prepared))
        return Read(version=read.version, state=prepared.state, error=prepared.error, text_digest=prepared.text_digest)

    async def _prepared(self, version: FileVersion) -> Prepared:
        return await self._reader.whole(version.digest, PurePosixPath(version.path).name, version.size)

    async def _blank(self, version: FileVersion) -> str:
        data = await self._bytes(version) if version.size <= BLANK else b"-"
        if data.strip():
            raise FileUnreadable(f"'{version.path}' has no text: perhaps it has only pictures.")
        return data.decode()

    async def _anew(self, read: Read) -> str:
        """A text whose blob is gone or damaged, read once more: the same bytes give the same text."""
        await self._bytes(read.version)
        prepared = await self._prepared(read.version)
        text = await self._kept(prepared.text_digest) if prepared.text_digest is not None else None
        if text is None:
            raise FileUnreadable(f"'{read.version.path}' has no text any more: {prepared.error}")
        return text.decode()

    async def _bytes(self, version: FileVersion) -> bytes:
        async with aclosing(await checked_pieces(self._blobs, version)) as pieces:
            return b"".join([piece async for piece in pieces])

    async def _kept(self, digest: str) -> bytes | None:
        """A blob's bytes; None where they are gone, or not what they were."""
        try:
            async with aclosing(self._blobs.read(digest)) as pieces:
                data = b"".join([piece async for piece in pieces])
        except NotFound:
            return None
        return data if blake3(data).hexdigest() == digest else None


def _read(connection: Connection, collection_name: str, path: str, point: Point) -> Read:
    row = meant_version(connection, collection_named(connection, collection_name), path, point)
    version = file_version(row)
    content = connection.execute(_CONTENT, {"content_id": row.content_id}).one_or_none()
    if content is None:
        return Read(version=version)
    claimed = Claimed(**{name: getattr(content, name) for name in ("id", "digest", "extractor", "size", "filename")})
    return Read(
        version=version,
        content=claimed,
        state=content.state,
        error=content.error,
        text_digest=content.text_digest,
    )
