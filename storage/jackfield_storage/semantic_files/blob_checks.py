"""Whether all bytes that something on record has are there and whole, and which are there that nothing has."""

from __future__ import annotations

from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Literal

import msgspec
from blake3 import blake3
from sqlalchemy import Connection, select

from jackfield.contracts.files import Fault, FileStoreParts
from jackfield.contracts.uploads import StoredBlob
from jackfield.errors import JackfieldError, NotFound
from jackfield.quantities import readable_bytes
from jackfield_storage.blob_uses import remove_unused, uses
from jackfield_storage.engine import Database
from jackfield_storage.semantic_index.reading import ContentReader
from jackfield_storage.tables import CollectionRow, ContentRow, FileRow, FileVersionRow, UploadRow

ORPHANED_AFTER = timedelta(hours=1)
"""Younger bytes may belong to a write that is under way."""

Lost = Literal["blob_missing", "blob_damaged"]

_LOST_WORDS: dict[Lost, str] = {
    "blob_missing": "Its bytes are gone from the blob store",
    "blob_damaged": "Its bytes in the blob store are not what they were",
}


class Needed(msgspec.Struct, frozen=True):
    """Bytes that something on record has; their size, where that is on record too."""

    digest: str
    size: int | None


class BlobChecks:
    """One walk over the blob store."""

    def __init__(self, database: Database, parts: FileStoreParts, *, deep: bool, repair: bool) -> None:
        self._database = database
        self._blobs = parts.blobs
        self._reader = ContentReader(parts)
        self._deep = deep
        self._repair = repair
        self.count = 0

    async def faults(self) -> list[Fault]:
        """Bytes that are missing, damaged or nobody's; `count` is then how many blobs there are."""
        stored = {blob.digest: blob async for blob in self._blobs.all()}
        self.count = len(stored)
        needed = await self._database.look(_needed)
        faults: list[Fault] = []
        for each in needed:
            if lost := await self._lost(each, stored.get(each.digest)):
                faults += await self._told(each.digest, lost)
        known = {each.digest for each in needed}
        for blob in stored.values():
            if blob.digest not in known and (orphan := await self._orphan(blob)):
                faults.append(orphan)
        return faults

    async def _lost(self, needed: Needed, blob: StoredBlob | None) -> Lost | None:
        if blob is None or self._deep:
            return await self._lost_by_reading(needed.digest, whole=self._deep)
        return "blob_damaged" if needed.size not in (None, blob.size) else None

    async def _lost_by_reading(self, digest: str, *, whole: bool) -> Lost | None:
        hasher = blake3()
        try:
            async with aclosing(self._blobs.read(digest)) as pieces:
                async for piece in pieces:
                    hasher.update(piece)
                    if not whole:
                        return None
        except NotFound:
            return "blob_missing"
        except JackfieldError:  # the disk gives an error where these bytes are
            return "blob_damaged"
        return None if hasher.hexdigest() == digest else "blob_damaged"

    async def _told(self, digest: str, lost: Lost) -> list[Fault]:
        faults = await self._database.look(partial(_holders, digest=digest, lost=lost))
        for row in await self._database.look(partial(_texts, digest=digest)):
            detail = f"{_LOST_WORDS[lost]} ({digest}); they can be read again out of the file."
            mended = self._repair and await self._text_again(row)
            faults.append(Fault(kind=lost, where=f"text of '{row.filename}'", detail=detail, mended=mended))
        return faults

    async def _text_again(self, row: Any) -> bool:
        """Whether reading a content once more brings the text back that it had."""
        read = await self._reader.whole(row.digest, row.filename, row.size)
        return bool(read.text_digest == row.text_digest)

    async def _orphan(self, blob: StoredBlob) -> Fault | None:
        if blob.stored_at > datetime.now(UTC) - ORPHANED_AFTER:
            return None
        removed = await remove_unused(self._database, [blob.digest] if self._repair else [], self._blobs.remove)
        mended = blob.digest in removed
        if not mended and await self._database.look(lambda connection: connection.scalar(uses(blob.digest))):
            return None
        detail = f"Nothing has had these {readable_bytes(blob.size)} for an hour or longer."
        return Fault(kind="blob_orphaned", where=blob.digest, detail=detail, mended=mended)


def _needed(connection: Connection) -> list[Needed]:
    found: dict[str, int | None] = {}
    for digest in connection.scalars(select(ContentRow.text_digest).where(ContentRow.text_digest.is_not(None))):
        found[str(digest)] = None
    for rows in (FileVersionRow, UploadRow):
        for row in connection.execute(select(rows.digest, rows.size).distinct()):
            found[row.digest] = row.size
    return [Needed(digest, size) for digest, size in found.items()]


def _holders(connection: Connection, digest: str, lost: Lost) -> list[Fault]:
    """A fault for each version and upload that has these bytes."""
    versions = (
        select(CollectionRow.name, FileVersionRow.path, FileVersionRow.number)
        .join(FileRow, FileRow.id == FileVersionRow.file_id)
        .join(CollectionRow, CollectionRow.id == FileRow.collection_id)
        .where(FileVersionRow.digest == digest)
        .order_by(CollectionRow.name, FileVersionRow.path, FileVersionRow.number)
    )
    uploads = select(UploadRow.id, UploadRow.filename).where(UploadRow.digest == digest)
    wheres = [f"{row.name}:{row.path} version {row.number}" for row in connection.execute(versions)]
    wheres += [f"upload {row.id} ('{row.filename}')" for row in connection.execute(uploads)]
    detail = f"{_LOST_WORDS[lost]} ({digest}); bring them back from a backup."
    return [Fault(kind=lost, where=where, detail=detail) for where in wheres]


def _texts(connection: Connection, digest: str) -> list[Any]:
    """Contents whose text is these bytes, and not their own."""
    chosen = select(ContentRow.digest, ContentRow.filename, ContentRow.size, ContentRow.text_digest).where(
        ContentRow.text_digest == digest, ContentRow.digest != digest
    )
    return list(connection.execute(chosen))
