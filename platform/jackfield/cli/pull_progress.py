"""How far a download is: a bar on a terminal, a line for every tenth elsewhere; always on stderr."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from jackfield.cli.output import say
from jackfield.quantities import readable_bytes

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

    from jackfield.contracts.sources import Progress

UNKNOWN_STEP = 100_000_000
"""Bytes between two lines while nobody knows how many there will be."""


@contextmanager
def shown_progress(subject: str) -> Iterator[Progress]:
    """A progress to give to a pull; it may be called from another thread."""
    if not sys.stderr.isatty():
        yield TenthLines(subject)
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True) as bars:
        yield TerminalBar(bars, subject)


class TerminalBar:
    """A bar that starts where the first report is, so that what an earlier pull brought counts for no speed."""

    def __init__(self, bars: Bars, subject: str) -> None:
        self._bars = bars
        self._subject = subject
        self._task: TaskID | None = None

    def __call__(self, done: int, total: int | None) -> None:
        """Move the bar."""
        if self._task is None:
            self._task = self._bars.add_task(self._subject, total=total, completed=done)
        else:
            self._bars.update(self._task, total=total, completed=done)


class TenthLines:
    """A line each time another tenth is here, or another 100 MB where the whole is unknown."""

    def __init__(self, subject: str) -> None:
        self._subject = subject
        self._said = 0

    def __call__(self, done: int, total: int | None) -> None:
        """Say a line if one is due."""
        step = done * 10 // total if total else done // UNKNOWN_STEP
        if step > self._said:
            share = f"{done * 100 // total}% of {readable_bytes(total)}" if total else readable_bytes(done)
            say(f"{self._subject}: {share}")
        self._said = step
