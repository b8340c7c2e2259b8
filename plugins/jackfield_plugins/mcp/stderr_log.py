"""What a server's program writes to its standard error: to the log at debug, its last lines kept for reasons."""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TextIO

import structlog

log = structlog.get_logger()

LONGEST_LINE = 4096
"""Characters; what is longer is logged in pieces."""

KEPT_LINES = 3


class StderrLog(asyncio.Protocol):
    """Reads lines from a pipe as they come."""

    def __init__(self, server: str) -> None:
        self._server = server
        self._unfinished = ""
        self._last: deque[str] = deque(maxlen=KEPT_LINES)

    def data_received(self, data: bytes) -> None:
        """Log whole lines; the start of one waits for its end."""
        *lines, self._unfinished = (self._unfinished + data.decode(errors="replace")).split("\n")
        while len(self._unfinished) > LONGEST_LINE:
            lines.append(self._unfinished[:LONGEST_LINE])
            self._unfinished = self._unfinished[LONGEST_LINE:]
        for line in lines:
            self._note(line)

    def eof_received(self) -> None:
        """Log what had no end."""
        self._note(self._unfinished)
        self._unfinished = ""

    @property
    def last_words(self) -> str:
        """The last lines, as one."""
        return " / ".join(self._last)

    def _note(self, line: str) -> None:
        if text := line.strip():
            self._last.append(text)
            log.debug("an MCP server wrote", server=self._server, line=text)


@asynccontextmanager
async def logged_stderr(record: StderrLog) -> AsyncIterator[TextIO]:
    """A file for a program to write to; closed on our side when the block is left, and the reading with it."""
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as program_side, os.fdopen(reading, "rb", buffering=0) as our_side:
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: record, our_side)
        try:
            yield program_side
        finally:
            if not transport.is_closing():
                transport.pause_reading()
                while rest := our_side.read(LONGEST_LINE):  # what was written last; None where nothing waits
                    record.data_received(rest)
                transport.close()
