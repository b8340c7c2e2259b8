"""Text as the bytes that a file store takes."""

from __future__ import annotations

from collections.abc import AsyncGenerator

PIECE = 1 << 20


async def text_bytes(text: str) -> AsyncGenerator[bytes]:
    """A text as UTF-8, piece by piece."""
    data = text.encode()
    for start in range(0, len(data), PIECE):
        yield data[start : start + PIECE]
