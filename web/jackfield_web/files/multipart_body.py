"""A multipart body, part by part as it arrives, so that no file is ever held in memory or written twice."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

from litestar import Request
from litestar.exceptions import HTTPException, InternalServerException
from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header

from jackfield.errors import InvalidRequest
from jackfield_web.errors import ClientGone

LONGEST_FIELD = 4096
"""Bytes of a field that is no file."""


class Part:
    """A field or a file; its content must be read before the next part is asked for."""

    def __init__(self, head: MultipartSegment, events: AsyncIterator[MultipartSegment | bytes | None]) -> None:
        self.name: str = head.name
        self.filename: str | None = head.filename
        self._events = events

    async def content(self) -> AsyncGenerator[bytes]:
        """The bytes as they arrive."""
        async for event in self._events:
            if event is None:
                return
            if isinstance(event, bytes | bytearray):
                yield bytes(event)

    async def text(self) -> str:
        """A short field whole; raises InvalidRequest for a long one, or one that is no text."""
        read = b""
        async for piece in self.content():
            read += piece
            if len(read) > LONGEST_FIELD:
                raise InvalidRequest(f"Field '{self.name}' is longer than {LONGEST_FIELD} bytes.", parameter=self.name)
        try:
            return read.decode()
        except UnicodeDecodeError as error:
            raise InvalidRequest(f"Field '{self.name}' is not UTF-8 text.", parameter=self.name) from error


async def parts_of(request: Request[Any, Any, Any]) -> AsyncGenerator[Part]:
    """The parts in their order; raises InvalidRequest for a body that is none, ClientGone where it breaks off."""
    async with aclosing(_events(request)) as events:
        async for event in events:
            if isinstance(event, MultipartSegment):
                yield Part(event, events)


async def _events(request: Request[Any, Any, Any]) -> AsyncGenerator[MultipartSegment | bytes | None]:
    try:
        parser = PushMultipartParser(_boundary(request), max_segment_count=16)
        async for chunk in request.stream():
            for event in parser.parse(chunk):
                yield event
        parser.close()
    except MultipartError as error:
        raise InvalidRequest(f"The body is not valid multipart/form-data: {error}.") from error
    except InternalServerException as error:
        raise ClientGone from error


def _boundary(request: Request[Any, Any, Any]) -> str:
    media_type, options = parse_options_header(request.headers.get("content-type", ""))
    if media_type != "multipart/form-data":
        sent = repr(media_type) if media_type else "none"
        detail = f"The body must be multipart/form-data with the fields 'file' and 'purpose' (there was {sent})."
        raise HTTPException(status_code=415, detail=detail)
    boundary: str = options.get("boundary", "")
    if not boundary:
        raise InvalidRequest("The header 'Content-Type' names no boundary of the multipart body.")
    return boundary
