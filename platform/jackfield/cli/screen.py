"""An answer on stdout and remarks on stderr, kept apart where both come to one terminal."""

from __future__ import annotations

import shutil
import sys

import click

from jackfield.cli.call_lines import shortened, without_steering
from jackfield.cli.output import say

ERASE_LINE = "\r\x1b[K"


class Screen:
    """Written to from one event loop. Remarks never break into a line of the answer."""

    def __init__(self, *, quiet: bool = False) -> None:
        """A `quiet` one shows remarks only."""
        self._quiet = quiet
        self._lively = sys.stderr.isatty()
        self._at_terminal = sys.stdout.isatty()
        self._one = self._lively and self._at_terminal and not quiet
        self._mid_line = False
        self._behind_remark = False
        self._held: list[str] = []
        self._status = ""

    @property
    def columns(self) -> int | None:
        """How wide remarks may be; None where nobody reads them as they come."""
        return shutil.get_terminal_size().columns if self._lively else None

    def write(self, text: str) -> None:
        """Show more of the answer."""
        if self._quiet or not text:
            return
        if not self._one:
            self._echo(text)
            return
        text = text.lstrip("\n") if self._behind_remark else text
        head, newline, tail = text.partition("\n") if self._held else (text, "", "")
        self._echo(head + newline)
        if newline:
            self._release()
            self.write(tail)

    def remark(self, line: str) -> None:
        """Show a dim line on stderr; while a line of the answer is being written, behind it."""
        self._held.append(line)
        if not (self._one and self._mid_line):
            self._release()

    def settle(self) -> None:
        """The answer goes on in another line, if there is anything to show before that."""
        if self._held:
            self._break_line()
            self._release()

    def status(self, text: str) -> None:
        """Show what is under way, until anything else is shown; only to who watches."""
        self._erase_status()
        if text and self._lively and not (self._one and self._mid_line):
            self._status = text
            line = click.style(shortened(text, (self.columns or 80) - 1), dim=True)
            click.echo(line, err=True, nl=False)

    def end(self) -> None:
        """The answer is whole, or goes on later: end its line."""
        self._erase_status()
        self._break_line()
        self._release()

    def _echo(self, text: str) -> None:
        if text:
            self._erase_status()
            click.echo(without_steering(text) if self._at_terminal else text, nl=False)
            self._mid_line = not text.endswith("\n")
            self._behind_remark = False

    def _release(self) -> None:
        self._erase_status()
        for line in self._held:
            say(click.style(line, dim=True))
        self._behind_remark = self._behind_remark or bool(self._held)
        self._held.clear()

    def _break_line(self) -> None:
        if self._mid_line:
            click.echo()
            self._mid_line = False

    def _erase_status(self) -> None:
        if self._status:
            click.echo(ERASE_LINE, err=True, nl=False)
            self._status = ""
