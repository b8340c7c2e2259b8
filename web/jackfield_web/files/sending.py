"""Giving a file out, piece by piece."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from urllib.parse import quote

from litestar.response import Stream

from jackfield.contracts.uploads import BlobStore, Upload


async def content_response(upload: Upload, blobs: BlobStore) -> Stream:
    """The bytes, never shown by a browser; raises NotFound before anything was sent."""
    content = blobs.read(upload.digest)
    try:
        first = await anext(content, b"")
    except BaseException:
        await content.aclose()
        raise
    headers = {
        "content-length": str(upload.size),
        "content-disposition": f"attachment; filename*=UTF-8''{quote(upload.filename, safe='')}",
        "x-content-type-options": "nosniff",
    }
    return Stream(_pieces(first, content), media_type="application/octet-stream", headers=headers)


async def _pieces(first: bytes, content: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    async with aclosing(content):
        yield first
        async for piece in content:
            yield piece
