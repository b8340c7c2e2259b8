"""How far work in stages is: a bar on a terminal, a line a stage elsewhere; always on stderr."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from jackfield.cli.output import say

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

Report = Callable[[str, int, int | None], None]
"""Takes what is being done, how far that is, and of how much; from any thread."""


@contextmanager
def shown_stages() -> Iterator[Report]:
    """A report to give to the work."""
    if not sys.stderr.isatty():
        yield StageLines()
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        yield StageBar(bars)


class StageBar:
    """One bar, of the stage that is under way."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._task: TaskID = bars.add_task("", total=None)

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        """Move the bar."""
        self._bars.update(self._task, description=stage, completed=done, total=total)


class StageLines:
    """A line when a stage begins."""

    def __init__(self) -> None:
        self._stage = ""

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        """Say the line if it is due."""
        if stage != self._stage:
            say(stage)
        self._stage = stage
