"""SIGINT and SIGTERM as a call into what runs now."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StopSignals:
    """Cancels the task it was made in, unless something has a gentler way to stop. For the main thread only."""

    def __init__(self) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("StopSignals is made inside a task.")
        self._cancel: Callable[[], object] = task.cancel
        self._act: Callable[[], object] = self._cancel
        self.received = False

    @contextmanager
    def caught(self) -> Iterator[None]:
        """Hear signals in this block; what they cancelled ends here without a word."""
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            loop.add_signal_handler(number, self._receive)
        try:
            yield
        except asyncio.CancelledError:
            if not self.received:
                raise
        finally:
            for number in SIGNALS:
                loop.remove_signal_handler(number)

    @contextmanager
    def calling(self, act: Callable[[], object]) -> Iterator[None]:
        """In this block, a signal calls `act` instead of cancelling."""
        self._act = act
        try:
            yield
        finally:
            self._act = self._cancel

    def _receive(self) -> None:
        self.received = True
        self._act()
