"""How far adding is: a bar on a terminal, a line for every tenth elsewhere; always on stderr."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from jackfield.cli.call_lines import count
from jackfield.cli.files.adding import Report
from jackfield.cli.output import say
from jackfield.quantities import readable_bytes

WORTH_LINES = 50
"""Files from which on somebody who sees no bar is told how far it is."""
WORTH_LINES_BYTES = 100_000_000
"""Bytes from which on that is told of fewer files too."""


@contextmanager
def shown_adding(files: int, size: int) -> Iterator[Report]:
    """A report for so many files of so many bytes together."""
    if not sys.stderr.isatty():
        yield TenthLines(files, size)
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("Adding", total=size)
        yield lambda done, read: bars.update(
            task, description=f"Adding: {done:,} of {count(files, 'file')}", completed=read
        )


class TenthLines:
    """A line each time another tenth is there: of many bytes, or else of many files."""

    def __init__(self, files: int, size: int) -> None:
        self._files = files
        self._size = size
        self._said = 0

    def __call__(self, done: int, read: int) -> None:
        """Say a line if one is due."""
        large = self._size >= WORTH_LINES_BYTES
        tenth = read * 10 // self._size if large else done * 10 // (self._files or 1)
        if tenth > self._said and (large or self._files >= WORTH_LINES):
            share = f", {read * 100 // self._size}% of {readable_bytes(self._size)}" if large else ""
            say(f"Adding: {done:,} of {count(self._files, 'file')}{share}")
        self._said = max(tenth, self._said)
