"""How commands speak: results to stdout, everything else to stderr, one exit code for each family of errors."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import click
import msgspec

from jackfield import errors

EXIT_CODES: dict[type[errors.JackfieldError], int] = {
    errors.JackfieldError: 1,
    errors.InvalidRequest: 2,
    errors.SettingsInvalid: 2,
    errors.CallDenied: 3,
    errors.NotFound: 4,
    errors.Conflict: 5,
    errors.QuotaReached: 6,
    errors.Unavailable: 6,
    errors.StateUnavailable: 6,
    errors.ModelError: 7,
    errors.DownloadFailed: 8,
    errors.PluginError: 9,
    errors.MissingDependency: 9,
}
"""By class; one that is not here has its nearest ancestor's. 130 is for Ctrl+C."""


GAP = "   "
"""What stands between two columns of a drawn table."""
NARROWEST = 8
"""Characters that a column is left with where it is broken into lines, at least."""
UNBROKEN = 20
"""Columns in a terminal's table up to which others are broken into lines instead."""


class OutputUnwritable(OSError):
    """Stdout takes nothing more; no other file's failure looks like this one."""


class _Output(io.FileIO):
    """Stdout's descriptor, whose failures say whose they are."""

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OutputUnwritable(error.errno, error.strerror) from error


def guard_output() -> None:
    """Let stdout raise OutputUnwritable where it is a file or a pipe that cannot be written."""
    if sys.stdout is None or sys.stdout.isatty():
        return
    sys.stdout = io.TextIOWrapper(
        io.BufferedWriter(_Output(sys.stdout.fileno(), "wb", closefd=False)),
        encoding=sys.stdout.encoding,
        errors=sys.stdout.errors,
    )


def exit_code(error: errors.JackfieldError) -> int:
    """The process's exit status for an error."""
    return next(EXIT_CODES[family] for family in type(error).__mro__ if family in EXIT_CODES)


def print_json(value: Any) -> None:
    """A value as indented JSON on stdout, for programs."""
    text = msgspec.json.encode(value, enc_hook=_encodable)
    click.echo(msgspec.json.format(text, indent=2).decode())


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table on stdout, nothing in it shortened: drawn for a terminal, tab-separated for a pipe."""
    if not sys.stdout.isatty():
        click.echo("\t".join(columns))
        for row in rows:
            click.echo("\t".join(row))
        return
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = [[Text.from_ansi(cell) for cell in row] for row in rows]
    console, table = Console(), Table(box=SIMPLE_HEAD, pad_edge=False)
    widths = [max(len(column), *(row[at].cell_len for row in drawn), 0) for at, column in enumerate(columns)]
    whole = _unbroken(widths, console.width - len(GAP) * len(columns))
    for at, column in enumerate(columns):
        table.add_column(column, overflow="fold", no_wrap=at in whole)
    for cells in drawn:
        table.add_row(*cells)
    console.print(table)


def _unbroken(widths: Sequence[int], room: int) -> set[int]:
    """The columns that stay on one line; what is drawn so is cut where there is no room, and so the widest are not."""
    whole = sorted((at for at, width in enumerate(widths) if width <= UNBROKEN), key=lambda at: widths[at])
    while whole and sum(widths[at] for at in whole) + NARROWEST * (len(widths) - len(whole)) > room:
        whole.pop()
    return set(whole)


def say(message: str) -> None:
    """A remark for the person at the terminal, on stderr."""
    click.echo(message, err=True)


def _encodable(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    raise NotImplementedError(f"{type(value).__name__} has no JSON form")
