"""What was read out of a version, and reading it where that has not been done yet."""

from __future__ import annotations

from contextlib import aclosing
from functools import partial
from pathlib import PurePosixPath

import msgspec
from blake3 import blake3
from sqlalchemy import Connection, select

from jackfield.contracts.files import FileStoreParts, FileVersion, IndexState, Point
from jackfield.errors import FileUnreadable, NotFound
from jackfield_storage.blob_uses import keep
from jackfield_storage.engine import Database
from jackfield_storage.semantic_files.arriving import Arrivals
from jackfield_storage.semantic_files.heads import collection_named
from jackfield_storage.semantic_files.reading import checked_pieces, meant_version
from jackfield_storage.semantic_files.rows import file_version
from jackfield_storage.semantic_index.contents import entered
from jackfield_storage.semantic_index.prepared import Prepared
from jackfield_storage.semantic_index.reading import ContentReader
from jackfield_storage.tables import ContentRow

BLANK = 64 << 10
"""Bytes up to which a file without passages may be a text of nothing but spaces."""


class Read(msgspec.Struct, frozen=True, kw_only=True):
    """A version, and what has been read out of it."""

    version: FileVersion
    state: IndexState = "pending"
    error: str | None = None
    text_digest: str | None = None


class Texts:
    """Texts of versions."""

    def __init__(self, database: Database, parts: FileStoreParts, arrivals: Arrivals) -> None:
        self._database = database
        self._blobs = parts.blobs
        self._arrivals = arrivals
        self._reader = ContentReader(parts)

    async def of(self, collection: str, path: str, point: Point) -> str:
        """A version's text; raises FileUnreadable, BlobDamaged."""
        read = await self._database.look(partial(_read, collection_name=collection, path=path, point=point))
        if read.state == "pending":
            read = await self._read_now(read.version)
        if read.state == "empty":
            return await self._blank(read.version)
        if read.text_digest is None:
            raise FileUnreadable(f"'{path}' has no text: {read.error or 'nothing was read out of it.'}")
        if read.text_digest == read.version.digest:
            return (await self._bytes(read.version)).decode()
        text = await self._kept(read.text_digest)
        return text.decode() if text is not None else await self._anew(read)

    async def _read_now(self, version: FileVersion) -> Read:
        """Read a version's text, which the index then need not."""
        prepared = await self._prepared(version)
        try:
            await self._database.commit(partial(_entered, prepared=prepared))
        except BaseException:
            if prepared.text_digest is not None:
                await self._arrivals.drop(prepared.text_digest)
            raise
        return Read(version=version, state=prepared.state, error=prepared.error, text_digest=prepared.text_digest)

    async def _prepared(self, version: FileVersion) -> Prepared:
        name = PurePosixPath(version.path).name
        waits, extractor = await self._reader.waiting(version.digest, name, version.size)
        return waits if extractor is None else await self._reader.read(waits, extractor)

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
    chosen = select(ContentRow.state, ContentRow.error, ContentRow.text_digest).where(ContentRow.id == row.content_id)
    content = connection.execute(chosen).one_or_none()
    if content is None:
        return Read(version=version)
    return Read(version=version, state=content.state, error=content.error, text_digest=content.text_digest)


def _entered(connection: Connection, prepared: Prepared) -> None:
    """Settle the content, unless the file was forgotten meanwhile."""
    named = (ContentRow.digest == prepared.digest, ContentRow.extractor == prepared.extractor)
    if connection.scalar(select(ContentRow.id).where(*named)) is not None:
        keep(connection, (prepared.text_digest,))
        entered(connection, prepared)
