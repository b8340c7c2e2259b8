"""Bytes of files: a request's body as it arrives, and a version as it is sent."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from litestar import MediaType, Request, Response
from litestar.datastructures import Headers
from litestar.exceptions import InternalServerException
from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIFormat, OpenAPIType
from litestar.response import Stream

from jackfield.contracts.files import OpenVersion
from jackfield.errors import InvalidRequest
from jackfield_web.errors import ClientGone, ErrorBody, problem_of
from jackfield_web.library.asked import etag
from jackfield_web.library.spans import asked_span, part_of

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


async def sent(opened: OpenVersion, asked: Headers) -> Stream | Response[bytes] | Response[ErrorBody]:
    """A version's bytes, to be kept and never shown: all of them, or the part that `Range` names.

    None where whoever asks has them already. Raises what reading them raises, before anything was sent.
    """
    version = opened.version
    tag = etag(version.number, version.digest)
    known = asked.get("if-none-match")
    if known is not None and _names(known, tag):
        await opened.pieces.aclose()
        return Response(b"", status_code=304, media_type=OCTETS, headers={"etag": tag})
    span = asked_span(asked.get("range"), version.size) if asked.get("if-range") in (None, tag) else None
    if span and span.start == span.end:
        await opened.pieces.aclose()
        return _unsatisfiable(version.size)
    pieces = part_of(opened.pieces, span) if span else opened.pieces
    try:
        first = await anext(pieces, b"")
    except BaseException:
        await pieces.aclose()
        raise
    name = version.path.rpartition("/")[2]
    headers = {
        **NEVER_SHOWN,
        "accept-ranges": "bytes",
        "content-length": str(span.end - span.start if span else version.size),
        "content-disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
        "etag": tag,
    }
    if span:
        headers["content-range"] = f"bytes {span.start}-{span.end - 1}/{version.size}"
    status = 206 if span else 200
    return Stream(_pieces(first, pieces), status_code=status, media_type=OCTETS, headers=headers)


def _names(known: str, tag: str) -> bool:
    return known.strip() == "*" or tag in (one.strip().removeprefix("W/") for one in known.split(","))


def _unsatisfiable(size: int) -> Response[ErrorBody]:
    error = InvalidRequest(f"There are no such bytes: the file has {size:,}.", parameter="range")
    headers = {"content-range": f"bytes */{size}"}
    return Response(problem_of(error).body, status_code=416, media_type=MediaType.JSON, headers=headers)


async def _pieces(first: bytes, rest: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    """Each piece once there is another, or it is certain that they were right: damage then cuts the answer short."""
    held = first
    async with aclosing(rest):
        async for piece in rest:
            yield held
            held = piece
    yield held
