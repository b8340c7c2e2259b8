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
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for number, column in enumerate(columns):
        widest = max((row[number].cell_len for row in drawn), default=0)
        table.add_column(column, overflow="fold", no_wrap=widest <= UNBROKEN)
    for cells in drawn:
        table.add_row(*cells)
    Console().print(table)


def say(message: str) -> None:
    """A remark for the person at the terminal, on stderr."""
    click.echo(message, err=True)


def _encodable(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    raise NotImplementedError(f"{type(value).__name__} has no JSON form")
