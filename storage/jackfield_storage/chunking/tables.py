"""Rows of values with separators, as groups of rows; each group's heading has the columns' names."""

from __future__ import annotations

import csv
from collections.abc import Iterator

from jackfield_storage.chunking.sections import Region, Section, short_title

SEPARATORS = ",;\t|"
LONGEST_HEADER = 4000
"""Characters of the first line that are read for names."""


def table_sections(text: str) -> Iterator[Section]:
    """The whole text, whose lines are rows."""
    start = len(text) - len(text.lstrip())
    end = text.find("\n", start)
    first = text[start : min(len(text) if end < 0 else end, start + LONGEST_HEADER)]
    yield Section(0, len(text), regions=(Region(start, len(text), column_names(first)),))


def column_names(line: str) -> str:
    """The names in a table's first line, or nothing if they are values."""
    separator = max(SEPARATORS, key=line.count)
    try:
        cells = next(csv.reader([line], delimiter=separator), [])
    except csv.Error:
        cells = line.split(separator)
    names = [cell.strip() for cell in cells if cell.strip()]
    return "" if any(_is_value(name) for name in names) else short_title(" | ".join(names))


def _is_value(name: str) -> bool:
    return not any(character.isalpha() for character in name)
