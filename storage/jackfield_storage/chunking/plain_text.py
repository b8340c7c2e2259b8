"""Plain text as one section of paragraphs."""

from __future__ import annotations

import re

from jackfield_storage.chunking.sections import Region, Section

EMPTY_LINES = re.compile(r"\n[ \t\r\f]*+\n(?:[ \t\r\f]*+\n)*+")


def plain_sections(text: str, *, lined: bool = False) -> tuple[Section, ...]:
    """The whole text, parted where lines are empty; `lined` says that its lines are not to be broken."""
    breaks = [match.end() for match in EMPTY_LINES.finditer(text)]
    regions = (Region(0, len(text)),) if lined else ()
    return (Section(0, len(text), breaks=breaks, regions=regions),)
