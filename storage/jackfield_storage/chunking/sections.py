"""What a text is made of before it is cut: sections under one heading, and where each may best be parted."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

import msgspec

SEPARATOR = " > "
LONGEST_TITLE = 120
"""Characters of a title in a heading; the title itself stands whole in its passage."""


class Region(msgspec.Struct, frozen=True):
    """Characters `start` to before `end` whose lines are not to be broken: a list, code, or rows under `header`."""

    start: int
    end: int
    header: str = ""


class Section(msgspec.Struct, frozen=True):
    """Characters `start` to before `end` of a text, of which nothing shares a passage with what is outside.

    `breaks` are where blocks begin, `soft_breaks` the parts of a block; all three lists are in order.
    """

    start: int
    end: int
    heading: str = ""
    breaks: Sequence[int] = ()
    soft_breaks: Sequence[int] = ()
    regions: Sequence[Region] = ()


def region_at(section: Section, position: int) -> Region | None:
    """The region that a character is in."""
    at = bisect_right(section.regions, position, key=lambda region: region.start) - 1
    return section.regions[at] if at >= 0 and position < section.regions[at].end else None


def heading_at(section: Section, position: int) -> str:
    """The heading of a passage that starts there: rows without their table's header have it in their heading."""
    region = region_at(section, position)
    if region is None or not region.header or position == region.start:
        return section.heading
    return joined_heading((section.heading, region.header))


def joined_heading(titles: Sequence[str]) -> str:
    """Titles from the outermost to the innermost, as one line."""
    return SEPARATOR.join(short for title in titles if (short := short_title(title)))


def short_title(title: str) -> str:
    """On one line, and not too long to stand before each passage."""
    line = " ".join(title.split())
    return line if len(line) <= LONGEST_TITLE else line[: LONGEST_TITLE - 1].rstrip() + "…"
