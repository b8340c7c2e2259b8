"""A command at a terminal of its own, for tests of what a person is shown and asked."""

from __future__ import annotations

import os
import re
import select
import struct
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

STEERING = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
PATIENCE = 60.0
"""Seconds that something may take to appear."""


class Terminal:
    """What a person sees and does; made by `at_terminal`."""

    def __init__(self, process: subprocess.Popen[bytes], descriptor: int) -> None:
        self.process = process
        self.raw = ""
        self._descriptor = descriptor
        self._read_to = 0

    @property
    def seen(self) -> str:
        """All that was shown, without colours."""
        return STEERING.sub("", self.raw).replace("\r\n", "\n")

    def wait_for(self, text: str) -> str:
        """What was shown from the last such wait to the end of a text."""
        while text not in self.seen[self._read_to :]:
            if not self._read_on():
                raise AssertionError(f"{text!r} was not shown, but:\n{self.seen}")
        begun, self._read_to = self._read_to, self.seen.index(text, self._read_to) + len(text)
        return self.seen[begun : self._read_to]

    def type(self, keys: str) -> None:
        """Press keys; a line ends with a line break."""
        os.write(self._descriptor, keys.encode())

    def ended(self) -> int:
        """The exit code, once the command has ended."""
        while self._read_on():
            pass
        return self.process.wait(PATIENCE)

    def _read_on(self) -> bool:
        """Whether the command shows, or may yet show, anything more."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            if not select.select([self._descriptor], [], [], 0.1)[0]:
                continue
            try:
                shown = os.read(self._descriptor, 65536)
            except OSError:  # nobody has the other end any more
                return False
            self.raw += shown.decode(errors="replace")
            return bool(shown)
        return False


@contextmanager
def at_terminal(environment: Mapping[str, str], *arguments: str, columns: int = 100) -> Iterator[Terminal]:
    """A `jackfield` command under way at a terminal; killed where it does not end by itself."""
    import fcntl
    import termios

    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    process = subprocess.Popen(  # noqa: S603 - our own command, with what a test says
        [sys.executable, "-m", "jackfield", *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**environment, "TERM": "xterm", "COLUMNS": str(columns)},
        start_new_session=True,
    )
    os.close(theirs)
    try:
        yield Terminal(process, ours)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        os.close(ours)
