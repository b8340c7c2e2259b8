"""Getting a content's text out of its bytes, and cutting it into passages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import msgspec
import structlog
from blake3 import blake3

from jackfield.contracts.files import Extracted, Extractor, FileStoreParts
from jackfield.errors import FileUnreadable, MissingDependency, NotFound, StateUnavailable, Unavailable
from jackfield.quantities import readable_bytes
from jackfield_storage.chunking.passages import passages_of
from jackfield_storage.semantic_index.prepared import Passage, Prepared, passage_key

log = structlog.get_logger(__name__)

HEAD = 4096
"""Bytes by which extractors know their kinds."""

GONE = "Its bytes are gone from the blob store; bring them back from a backup, and try again."
DAMAGED = "Its bytes in the blob store are not what they were; bring them back from a backup, and try again."


class ContentReader:
    """Texts and passages of what is in the blob store."""

    def __init__(self, parts: FileStoreParts) -> None:
        self._parts = parts

    async def whole(self, digest: str, filename: str, size: int) -> Prepared:
        """The content as whoever claims it reads it."""
        waits, extractor = await self.waiting(digest, filename, size)
        return waits if extractor is None else await self.read(waits, extractor)

    async def waiting(self, digest: str, filename: str, size: int) -> tuple[Prepared, Extractor | None]:
        """A content before it is read, and who reads it; skipped where nobody does, or it is too large."""
        try:
            extractor = await self._extractor(digest, filename)
        except (NotFound, StateUnavailable) as error:
            why = GONE if isinstance(error, NotFound) else error.message
            lost = Prepared(digest=digest, extractor="", size=size, filename=filename, state="failed", error=why)
            return lost, None
        waits = Prepared(digest=digest, extractor=extractor_id(extractor), size=size, filename=filename)
        if extractor is None:
            why = "Nothing here reads files of this kind; it can be found by its name."
            return msgspec.structs.replace(waits, state="skipped", error=why), None
        if size > (most := self._parts.largest_indexed):
            why = (
                f"It has {readable_bytes(size)}, and files beyond {readable_bytes(most)} are not read; "
                "raise files.largest_indexed_mb and try again."
            )
            return msgspec.structs.replace(waits, state="skipped", error=why), None
        return waits, extractor

    async def read(self, waits: Prepared, extractor: Extractor) -> Prepared:
        """The content with its passages, or with the sentence that says why it has none."""
        try:
            data = await self._bytes(waits.digest)
            extracted, passages = await asyncio.to_thread(_extracted, extractor, data, waits)
        except (FileUnreadable, StateUnavailable) as error:
            return msgspec.structs.replace(waits, state="failed", error=error.message)
        except MissingDependency as error:
            return msgspec.structs.replace(waits, state="skipped", error=error.message)
        except Unavailable as error:
            log.warning("a text could not be read now, and waits", filename=waits.filename, reason=error.message)
            return waits
        except NotFound:
            return msgspec.structs.replace(waits, state="failed", error=GONE)
        except Exception as error:  # an extractor may be a plugin's, and fails for one content only
            log.exception("an extractor failed", extractor=waits.extractor, filename=waits.filename)
            why = f"The extractor {waits.extractor} failed at it ({type(error).__name__}); the log says more."
            return msgspec.structs.replace(waits, state="failed", error=why)
        if not passages:
            return msgspec.structs.replace(waits, state="empty")
        text_digest = waits.digest if extracted.own else await self._keep(extracted.text)
        return msgspec.structs.replace(waits, state="indexed", text_digest=text_digest, passages=passages)

    async def _extractor(self, digest: str, filename: str) -> Extractor | None:
        head = await self._bytes(digest, most=HEAD)
        return next((one for one in self._parts.extractors if _claims(one, filename, head)), None)

    async def _bytes(self, digest: str, most: int | None = None) -> bytes:
        gathered = bytearray()
        async with aclosing(self._parts.blobs.read(digest)) as pieces:
            async for piece in pieces:
                gathered += piece
                if most is not None and len(gathered) >= most:
                    return bytes(gathered[:most])
        return bytes(gathered)

    async def _keep(self, text: str) -> str:
        data = text.encode()
        digest, _ = await self._parts.blobs.put(_once(data), most=len(data))
        return digest


def _claims(extractor: Extractor, filename: str, head: bytes) -> bool:
    try:
        return extractor.claims(filename, head)
    except Exception:  # a plugin's fault, which is to keep no file from being written
        log.exception("an extractor failed at a file's name and beginning", extractor=extractor.name, filename=filename)
        return False


def extractor_id(extractor: Extractor | None) -> str:
    """`name:version`; empty for nobody."""
    return "" if extractor is None else f"{extractor.name}:{extractor.version}"


def _extracted(extractor: Extractor, data: bytes, waits: Prepared) -> tuple[Extracted, tuple[Passage, ...]]:
    if blake3(data).hexdigest() != waits.digest:
        raise FileUnreadable(DAMAGED)
    extracted = extractor.extract(data, filename=waits.filename)
    return extracted, tuple(
        Passage(
            key=passage_key(heading := _storable(cut.heading), text := _storable(cut.text)),
            start=cut.start,
            end=cut.end,
            heading=heading,
            text=text,
        )
        for cut in passages_of(extracted)
    )


def _storable(text: str) -> str:
    """PostgreSQL has no texts with a NUL; offsets still hold, for they are of the text and not of what is shown."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")


async def _once(data: bytes) -> AsyncGenerator[bytes]:
    yield data
