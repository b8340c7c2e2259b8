"""Parts of files, as a request's header `Range` asks for them (RFC 9110, section 14)."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from contextlib import aclosing

import msgspec

_ONE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


class Span(msgspec.Struct, frozen=True):
    """From the byte `start` to the one before `end`; there is no such byte where they are equal."""

    start: int
    end: int


def asked_span(said: str | None, size: int) -> Span | None:
    """The part of so many bytes that a header asks for; None for all, also where it asks for several parts at once."""
    found = _ONE.fullmatch(said.replace(" ", "")) if said else None
    if found is None or not (found[1] or found[2]):
        return None
    if not found[1]:
        return Span(max(0, size - int(found[2])), size)
    start = int(found[1])
    if found[2] and int(found[2]) < start:
        return None
    end = min(size, int(found[2]) + 1) if found[2] else size
    return Span(min(start, size), end) if start < end else Span(size, size)


async def part_of(pieces: AsyncGenerator[bytes], span: Span) -> AsyncGenerator[bytes]:
    """The bytes of a part; those behind it are not read."""
    at = 0
    async with aclosing(pieces):
        async for piece in pieces:
            part = piece[max(0, span.start - at) : max(0, span.end - at)]
            at += len(piece)
            if part:
                yield part
            if span.end < at:
                return
