"""Bytes of files: a request's body as it arrives, and a version as it is sent."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from litestar import Request
from litestar.exceptions import InternalServerException
from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIFormat, OpenAPIType
from litestar.response import Stream

from jackfield.contracts.files import OpenVersion
from jackfield_web.errors import ClientGone
from jackfield_web.library.asked import etag

OCTETS = "application/octet-stream"

NEVER_SHOWN = {
    "content-security-policy": "sandbox; default-src 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "private, no-cache",
}
"""What keeps a browser from running what is in a file, as if it were a page of ours."""


@dataclass
class BytesOperation(Operation):
    """An operation whose body is any bytes, read as they arrive, which Litestar therefore does not know of."""

    def __post_init__(self) -> None:
        schema = Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY, description="The file's bytes.")
        self.request_body = RequestBody(content={OCTETS: OpenAPIMediaType(schema=schema)}, required=False)


async def arriving(request: Request[Any, Any, Any]) -> AsyncGenerator[bytes]:
    """A body's bytes, never whole in memory; raises ClientGone where it breaks off."""
    try:
        async for chunk in request.stream():
            if chunk:
                yield chunk
    except InternalServerException as error:
        raise ClientGone from error


async def sent(opened: OpenVersion) -> Stream:
    """A version's bytes, to be kept and never shown; raises what reading it raises before anything was sent."""
    try:
        first = await anext(opened.pieces, b"")
    except BaseException:
        await opened.pieces.aclose()
        raise
    version = opened.version
    name = version.path.rpartition("/")[2]
    headers = {
        **NEVER_SHOWN,
        "content-length": str(version.size),
        "content-disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
        "etag": etag(version.number),
    }
    return Stream(_pieces(first, opened.pieces), media_type=OCTETS, headers=headers)


async def _pieces(first: bytes, rest: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    """Each piece once there is another, or it is certain that they were right: damage then cuts the answer short."""
    held = first
    async with aclosing(rest):
        async for piece in rest:
            yield held
            held = piece
    yield held
