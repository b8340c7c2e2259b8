"""How far indexing is: a bar on a terminal, a line for every tenth elsewhere; always on stderr."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec

from jackfield.cli.call_lines import count
from jackfield.cli.files.sentences import cell
from jackfield.cli.output import say
from jackfield.contracts.files import IndexProgress

WORTH_LINES = 100
"""Texts and passages from which on somebody who sees no bar is told how far it is."""
NAMED = 5
"""Files that could not be read and are named."""

Report = Callable[[IndexProgress], None]


@contextmanager
def shown_indexing() -> Iterator[Report]:
    """A report to give to the index job."""
    if not sys.stderr.isatty():
        yield TenthLines()
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f}%"))
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("Indexing", total=None)
        yield lambda now: bars.update(
            task, description=f"Indexing: {_described(now)}", completed=_done(now), total=_all(now)
        )


class TenthLines:
    """A line each time another tenth is done of what was left in the beginning."""

    def __init__(self) -> None:
        self._said: int | None = None

    def __call__(self, now: IndexProgress) -> None:
        """Say a line if one is due."""
        tenth = _done(now) * 10 // (_all(now) or 1)
        if self._said is not None and tenth > self._said and _all(now) >= WORTH_LINES:
            say(f"Indexing: {_described(now)}")
        self._said = tenth if self._said is None else max(tenth, self._said)


def as_object(now: IndexProgress) -> dict[str, Any]:
    """How far indexing is, for programs."""
    return {**msgspec.structs.asdict(now), "done": now.done}


def told(now: IndexProgress, unread: Sequence[str] | None = None) -> str:
    """How far indexing is, in a sentence or a few; with the files that could not be read, where these are given."""
    said = [f"{count(now.passages, 'passage')} can be found." if now.done else f"{_described(now)}."]
    if unread or (unread is None and now.failed):
        which = count(now.failed, "file") if unread is None else _named(unread)
        said.append(f"{which} could not be read; `jackfield files ls --unread` says why.")
    return " ".join([*said, now.notice] if now.notice else said)


def _named(paths: Sequence[str]) -> str:
    more = f" and {count(len(paths) - NAMED, 'more file')}" if len(paths) > NAMED else ""
    return ", ".join(f"'{cell(path)}'" for path in paths[:NAMED]) + more


def _described(now: IndexProgress) -> str:
    texts = f"{now.contents_done + now.failed:,} of {count(now.contents, 'text')} read"
    return f"{texts}, {now.passages_done:,} of {count(now.passages, 'passage')} ready"


def _done(now: IndexProgress) -> int:
    return now.contents_done + now.failed + now.passages_done


def _all(now: IndexProgress) -> int:
    return now.contents + now.passages
