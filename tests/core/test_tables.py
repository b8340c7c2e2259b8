"""Tables at a terminal: all that is in them can be read, however narrow it is."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import redirect_stdout

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.cli.output import print_table

COLUMNS = ("PATH", "VERSION", "SIZE", "MODIFIED", "BY", "")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True, scope="module")
def _eighty_columns() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "80")
        patch.setenv("NO_COLOR", "1")
        patch.setenv("TERM", "xterm")
        yield


def drawn(row: tuple[str, ...]) -> list[str]:
    """The lines of a row, below the heading and its rule."""
    with redirect_stdout(Terminal()) as terminal:
        print_table(COLUMNS, [row])
    lines = click.unstyle(terminal.getvalue()).splitlines()
    assert max(map(len, lines)) <= 80
    rule = next(at for at, line in enumerate(lines) if "─" in line)
    return lines[rule + 1 :]


def test_what_fits_by_breaking_the_widest_column_breaks_no_other() -> None:
    row = ("mixed/encrypted.pdf", "1", "576 bytes", "2026-11-22 04:23", "local", "unreadable")
    first, *more = drawn(row)
    for cell in row[1:]:
        assert cell in first
    assert "".join([first.split()[0], *(line.strip() for line in more)]) == row[0]


@given(st.tuples(*[st.text("ab", min_size=1, max_size=30) for _ in COLUMNS]))
def test_nothing_in_a_narrow_table_is_cut(row: tuple[str, ...]) -> None:
    shown = "".join(drawn(row))
    assert sorted(shown.replace(" ", "")) == sorted("".join(row))
