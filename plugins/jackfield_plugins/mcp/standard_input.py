"""Standard input by lines, in a way that ends: a thread that waits for a line keeps no process alive."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager


class StandardInput:
    """Lines until the end of the file, in UTF-8; read from when it is made, by one event loop."""

    def __init__(self, descriptor: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._lines: asyncio.Queue[str | None] = asyncio.Queue(maxsize=1)
        self._descriptor = descriptor
        threading.Thread(target=self._read, name="standard input", daemon=True).start()

    async def __aiter__(self) -> AsyncIterator[str]:
        while (line := await self._lines.get()) is not None:
            yield line

    def _read(self) -> None:
        with os.fdopen(self._descriptor, encoding="utf-8", errors="replace", closefd=False) as file:
            for line in file:
                self._hand_over(line)
        self._hand_over(None)

    def _hand_over(self, line: str | None) -> None:
        waiting = self._lines.put(line)
        try:
            asyncio.run_coroutine_threadsafe(waiting, self._loop).result()
        except RuntimeError:  # the loop has ended, and with it whoever listened
            waiting.close()


@contextmanager
def standard_input_taken() -> Iterator[int]:
    """A descriptor to read standard input from; whatever else reads standard input meanwhile finds nothing there."""
    taken = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    try:
        yield taken
    finally:
        os.dup2(taken, 0)
