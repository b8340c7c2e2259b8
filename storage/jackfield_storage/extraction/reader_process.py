"""A warm process that reads web pages and documents, started when it is needed."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from jackfield.errors import FileUnreadable, JackfieldError, MissingDependency, ShuttingDown, Unavailable
from jackfield_storage.extraction.orders import IDLE_SECONDS, START_SECONDS, Kind, Order, Report, State, receive, send

PROGRAM = (sys.executable, "-P", "-m", "jackfield_storage.extraction.reader_program")
MOST_FILES = 200
"""Files that one process reads, since libraries that read documents leak."""

SENTENCES: dict[State, str] = {
    "damaged": "is damaged or cut short ({detail}); save it again from where it came.",
    "password": "is protected by a password; save a copy without one, and add that.",
    "archive": "is an archive that holds no Word, Excel or PowerPoint document; unpack it, and add what is in it.",
    "bomb": "would unpack to {detail}, as no document does; it is not opened.",
    "scanned": "has no text, only pictures of pages; run text recognition (OCR) over it, and add what that makes.",
    "nested": "is nested too deeply to be read; save it in a simpler form.",
    "memory": "takes more than {memory_mb:,} MB to read; split it, or raise files.extraction_memory_mb.",
}
"""What becomes of a file's name and one of these is a sentence for its owner."""


class ReaderProcess:
    """Reads one file after the other, each within `seconds` and `memory_mb`; what dies is started anew for the next.

    It ends with this process, or when it has been idle.
    """

    def __init__(self, *, seconds: float, memory_mb: int, program: tuple[str, ...] = PROGRAM) -> None:
        self._seconds = seconds
        self._memory_mb = memory_mb
        self._program = program
        self._one_at_a_time = threading.Lock()
        self._running: _Running | None = None
        self._closings = 0

    def read(self, kind: Kind, data: bytes, *, filename: str) -> str:
        """Its text; raises FileUnreadable, MissingDependency, and Unavailable where it may be read another time."""
        order = Order(kind=kind, data=data, seconds=self._seconds, memory_mb=self._memory_mb)
        closings = self._closings
        with self._one_at_a_time:
            report = self._ordered(order, filename, closings)
        if report.state == "library":
            raise MissingDependency(
                f"Reading '{filename}' needs markitdown ({report.detail}): pip install 'jackfield[documents]'."
            )
        if report.state != "text":
            words = SENTENCES[report.state].format(detail=report.detail, memory_mb=self._memory_mb)
            raise FileUnreadable(f"'{filename}' {words}")
        return report.text

    def close(self) -> None:
        """End the process; whoever waits for a file is told ShuttingDown. The next file starts another."""
        self._closings += 1
        if running := self._running:
            running.end()

    def _ordered(self, order: Order, filename: str, closings: int) -> Report:
        running = self._warm()
        done = False
        try:
            if closings != self._closings:
                raise _ended(filename)
            report = running.answer(order, filename)
            done = report.state != "memory"
            return report
        except FileUnreadable as error:
            if closings != self._closings:
                raise _ended(filename) from error
            raise
        finally:
            if not done:
                running.end()

    def _warm(self) -> _Running:
        if self._running is None or not self._running.serves:
            if self._running:
                self._running.end()
            self._running = _Running(self._program)
        return self._running


class _Running:
    """One process, from its start to its end."""

    def __init__(self, program: tuple[str, ...]) -> None:
        self._owner = os.getpid()
        self._files = 0
        self._used = time.monotonic()
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
        )
        self.end = weakref.finalize(self, _end, self._process, self._owner)

    @property
    def serves(self) -> bool:
        """Whether it lives, will live for a while, and is not a copy that came with a fork."""
        idle = time.monotonic() - self._used
        own = self._owner == os.getpid()
        fit = self._files < MOST_FILES and idle < IDLE_SECONDS / 2
        return own and fit and self.end.alive and self._process.poll() is None

    def answer(self, order: Order, filename: str) -> Report:
        """Raises FileUnreadable where there is none in time."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        self._files += 1
        slow_start = Unavailable(f"'{filename}' was not read, since its reader did not start in time; try again later.")
        with self._within(START_SECONDS, filename, slow_start):
            send(stdin, order)
            report = receive(stdout, Report)
        if report.state == "ready":
            late = f"'{filename}' takes longer than {order.seconds:g} seconds to read; split it, or raise "
            with self._within(order.seconds, filename, FileUnreadable(late + "files.extraction_seconds.")):
                report = receive(stdout, Report)
        self._used = time.monotonic()
        return report

    @contextmanager
    def _within(self, seconds: float, filename: str, late: JackfieldError) -> Iterator[None]:
        """Killing the process ends any waiting for it."""
        passed = threading.Event()

        def kill() -> None:
            passed.set()
            self._process.kill()

        timer = threading.Timer(seconds, kill)
        timer.daemon = True
        timer.start()
        try:
            yield
        except (EOFError, OSError, ValueError) as error:
            raise (late if passed.is_set() else FileUnreadable(self._death(filename))) from error
        finally:
            timer.cancel()

    def _death(self, filename: str) -> str:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(1)
        how = self._process.returncode
        return (
            f"'{filename}' cannot be read: the process that read it ended before its time (exit status {how}), "
            "which damaged files can cause; save it again from where it came."
        )


def _ended(filename: str) -> ShuttingDown:
    return ShuttingDown(f"'{filename}' was not read, since its reader was ended; try again.")


def _end(process: subprocess.Popen[bytes], owner: int) -> None:
    """Kill it, unless it belongs to the process that this one was forked from."""
    if owner == os.getpid():
        process.kill()
        process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe:
            with suppress(OSError):
                pipe.close()
