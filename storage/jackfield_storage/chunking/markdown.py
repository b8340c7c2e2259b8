"""Markdown as sections under their headings; lists, fenced code and tables are kept whole where they fit."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator

import msgspec

from jackfield_storage.chunking.plain_text import EMPTY_LINES
from jackfield_storage.chunking.sections import Region, Section, joined_heading

FRONT_MATTER = re.compile(r"---[ \t\r]*+\n(?:[^\n]*+\n)*?(?:---|\.\.\.)[ \t\r]*+(?:\n|\Z)")
RULE_CELL = r"[ \t]*+:?+-++:?+[ \t]*+"
MARKED_LINES = (
    r"(?P<lines> {0,3}(?:"
    r"(?P<fence>`{3,}+(?=[^`\n]*+$)|~{3,}+)[^\n]*+"
    r"|(?P<marks>#{1,6}+)(?:[ \t]++(?P<title>[^\n]*+))?+\r?$"
    r"|(?P<over>[^\s#>|`~*+-][^\n]*+)\n {0,3}+(?P<under>=++|-{2,}+)[ \t\r]*+$"
    rf"|(?P<header>(?=[^\n]*\|)[^\n]*+)\n[ \t]*+\|?+{RULE_CELL}(?:\|{RULE_CELL})*+\|?+[ \t\r]*+$"
    r"))"
)
"""Lines that open a block of their own: fences, headings of both kinds, tables' first two."""
FIRST_MARKED = re.compile(MARKED_LINES, re.MULTILINE)
NEXT_MARKED = re.compile(r"\n" + MARKED_LINES, re.MULTILINE)
ITEM = r"[ \t]*+(?:[-*+•]|\d{1,9}[.)])[ \t]"
FIRST_ITEM = re.compile(ITEM)
NEXT_ITEM = re.compile(r"\n" + ITEM)
ROWS = re.compile(r"(?:\n[^\n|]*+\|[^\n]*+)*+")


class Heading(msgspec.Struct, frozen=True):
    """A title, the line that it starts, where its lines end, and its level from 1."""

    start: int
    end: int
    level: int
    title: str


class MarkedBlocks(msgspec.Struct, frozen=True):
    """What a text's marked lines make of it, in order."""

    headings: list[Heading] = msgspec.field(default_factory=list)
    regions: list[Region] = msgspec.field(default_factory=list)


def markdown_sections(text: str) -> Iterator[Section]:
    """One for each heading with what is under it; headings with nothing under them stand before the next."""
    marked = _marked_blocks(text)
    trail: list[Heading] = []
    start, bare = 0, []
    for heading in [*marked.headings, Heading(len(text), len(text), 0, "")]:
        body = trail[-1].end if trail else 0
        if heading.level and not text[body : heading.start].strip() and (trail or not text[: heading.start].strip()):
            bare.append(heading.start)
        elif heading.start > start:
            yield _section(text, start, heading.start, joined_heading([each.title for each in trail]), bare, marked)
            start, bare = heading.start, []
        trail = [*(each for each in trail if each.level < heading.level), heading]


def _section(text: str, start: int, end: int, heading: str, bare: list[int], marked: MarkedBlocks) -> Section:
    """With the places where its blocks begin."""
    blocks = _Blocks(text, start, end)
    first = bisect_right(marked.regions, start - 1, key=lambda region: region.start)
    at = start
    for region in marked.regions[first : bisect_right(marked.regions, end - 1, key=lambda region: region.start)]:
        blocks.add_text(at, region.start)
        blocks.add_region(region)
        at = region.end
    blocks.add_text(at, end)
    breaks = sorted({*bare, *blocks.breaks}) if bare else blocks.breaks
    return Section(start, end, heading, breaks, blocks.soft_breaks, blocks.regions)


class _Blocks:
    """A section's blocks as they are added, from its start to its end."""

    def __init__(self, text: str, start: int, end: int) -> None:
        self._text = text
        self.breaks: list[int] = []
        self.soft_breaks: list[int] = []
        self.regions: list[Region] = []

    def add_region(self, region: Region) -> None:
        """Fenced code, or a table; empty lines in it part it before others do."""
        self.breaks += (region.start, region.end)
        self.regions.append(region)
        self.soft_breaks += (match.end() for match in EMPTY_LINES.finditer(self._text, region.start, region.end))

    def add_text(self, start: int, end: int) -> None:
        """Paragraphs and lists; items with empty lines between them stay one list."""
        listed = False
        for match in EMPTY_LINES.finditer(self._text, start, end):
            listed = self._add_block(start, match.end(), listed)
            start = match.end()
        self._add_block(start, end, listed)

    def _add_block(self, start: int, end: int, after_list: bool) -> bool:
        """Whether the block ends in a list."""
        first = _first_item(self._text, start, end)
        goes_on = after_list and (first == start or self._text[start : start + 1] in (" ", "\t"))
        if goes_on:
            first = start
        if first < end:
            self.regions.append(Region(first, end))
        (self.soft_breaks if goes_on else self.breaks).append(start)
        return first < end


def _first_item(text: str, start: int, end: int) -> int:
    """Where the first line starts that is a list's, of a block."""
    if FIRST_ITEM.match(text, start, end):
        return start
    item = NEXT_ITEM.search(text, start, end)
    return item.start() + 1 if item else end


def _marked_blocks(text: str) -> MarkedBlocks:
    blocks = MarkedBlocks()
    front = FRONT_MATTER.match(text)
    at = front.end() if front else 0
    match = FIRST_MARKED.match(text, at) or NEXT_MARKED.search(text, at)
    while match:
        at = match.end()
        if match["fence"]:
            at = _fence_end(text, match)
            blocks.regions.append(Region(match.start("lines"), at))
        elif match["header"]:
            rows = ROWS.match(text, at)
            at = rows.end() if rows else at
            blocks.regions.append(Region(match.start("lines"), at, _cells(match["header"])))
        else:
            blocks.headings.append(_heading(match))
        match = NEXT_MARKED.search(text, at)
    return blocks


def _heading(match: re.Match[str]) -> Heading:
    if match["marks"]:
        return Heading(match.start("lines"), match.end(), len(match["marks"]), _title(match["title"] or ""))
    return Heading(match.start("lines"), match.end(), 1 if match["under"][0] == "=" else 2, match["over"].strip())


def _title(line: str) -> str:
    """A heading's line without the marks that may close it."""
    line = line.rstrip()
    unmarked = line.rstrip("#")
    return (unmarked if unmarked[-1:] in ("", " ", "\t") else line).strip()


def _fence_end(text: str, match: re.Match[str]) -> int:
    """Behind the fence that closes it, or the end of the text."""
    fence = match["fence"]
    closing = re.compile(rf"^ {{0,3}}{fence[0]}{{{len(fence)},}}[ \t\r]*$", re.MULTILINE).search(text, match.end())
    return closing.end() if closing else len(text)


def _cells(header: str) -> str:
    return " | ".join(cell for cell in (cell.strip() for cell in header.split("|")) if cell)
