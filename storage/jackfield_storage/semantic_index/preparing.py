"""Reading a content's text before the transaction: at once where it is small and easy, else it waits for the job."""

from __future__ import annotations

import asyncio

import msgspec
import structlog
from sqlalchemy import Connection, String, bindparam, text

from jackfield.contracts.files import Embedder, FileStoreParts
from jackfield.errors import JackfieldError
from jackfield_storage.engine import Database
from jackfield_storage.semantic_index.prepared import Prepared
from jackfield_storage.semantic_index.reading import ContentReader
from jackfield_storage.vectors.stored import stored

log = structlog.get_logger(__name__)

SMALL = 64 << 10
"""Bytes of a text that a write waits for."""
FEW = 8
"""Passages whose vectors a write waits for; each takes some 40 ms."""
EMBEDDING_SECONDS = 2.0
"""After which a write leaves its vectors to the job."""

_IS_SETTLED = text("SELECT 1 FROM contents WHERE digest = :digest AND extractor = :extractor AND state <> 'pending'")
_HAVE_VECTORS = text(
    "SELECT key FROM passages JOIN passage_vectors ON passage_id = id WHERE model = :model AND key IN :keys"
).bindparams(bindparam("keys", expanding=True, type_=String()))


class ContentPreparer:
    """What `contents.entered` is to write down for bytes that are in the blob store."""

    def __init__(self, database: Database, parts: FileStoreParts) -> None:
        self._database = database
        self._embedder: Embedder = parts.embedder
        self._reader = ContentReader(parts)

    async def prepare(self, digest: str, filename: str, size: int, *, vectors: bool = True) -> Prepared:
        """Never fails for what the bytes say. Without `vectors` those are left to the job, as where many files come."""
        waits, extractor = await self._reader.waiting(digest, filename, size)
        if extractor is None or not extractor.quick or size > SMALL or await self._is_settled(waits):
            return waits
        read = await self._reader.read(waits, extractor)
        return await self._with_vectors(read) if vectors and read.passages else read

    async def _is_settled(self, waits: Prepared) -> bool:
        named = {"digest": waits.digest, "extractor": waits.extractor}
        return await self._database.look(lambda connection: connection.scalar(_IS_SETTLED, named) is not None)

    async def _with_vectors(self, read: Prepared) -> Prepared:
        """Vectors are an extra here: whatever keeps them from being made, the job makes them later."""
        try:
            async with asyncio.timeout(EMBEDDING_SECONDS):
                return await self._embedded(read)
        except (TimeoutError, JackfieldError) as error:
            log.info("vectors are left to the index job", filename=read.filename, reason=str(error))
            return read

    async def _embedded(self, read: Prepared) -> Prepared:
        model = await self._embedder.key()
        if model is None:
            return read
        texts = {one.key: embedded_text(one.heading, one.text) for one in read.passages}
        known = await self._database.look(lambda connection: keys_with_vectors(connection, model, list(texts)))
        missing = [key for key in texts if key not in known]
        if not missing or len(missing) > FEW:
            return read
        rows = stored(await self._embedder.embed([texts[key] for key in missing]))
        return msgspec.structs.replace(read, model=model, vectors=dict(zip(missing, rows, strict=True)))


def embedded_text(heading: str, text: str) -> str:
    """What of a passage is made a vector."""
    return f"{heading}\n{text}" if heading else text


def keys_with_vectors(connection: Connection, model: str, keys: list[str]) -> set[str]:
    """Those of some passages that have a vector of a model."""
    return set(connection.scalars(_HAVE_VECTORS, {"model": model, "keys": keys}))
