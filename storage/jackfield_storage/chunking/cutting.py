"""Cuts a section into passages of a useful size, at the best place that the size allows.

Which of several places of one rank is taken is decided by a hash of the characters about it, as in content-defined
chunking: two texts that differ early on come to the same cut soon after, and from there on are cut alike.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from zlib import crc32

from jackfield_storage.chunking.sections import Section, region_at

SHORTEST = 400
"""Characters before the first place where a passage is cut, if there is a choice."""
LONGEST = 1000
SCRAP = 120
"""Fewer characters than these do not stand alone beside something they could stand with."""
SHINGLE = 8
MOST_PLACES = 32
CONTEXT = 32
"""Characters on either side that a place's hash is of."""

INK = re.compile(r"\S")
LINES = re.compile(r"\n")
PARTING_LINES = re.compile(r"\n(?:(?<=[.!?:;。！？]\n)|(?<=[.!?:;。！？]\r\n)|(?=[ \t]*+[\d\[({<|*#•-]))")  # noqa: RUF001
"""Ends of lines that end a sentence, or come before what looks like an entry; not where prose was wrapped."""
SENTENCES = re.compile(r"[.!?…][\"'”’»)\]]*+\s++(?=[^a-z])|[。！？][」』）”]*+")  # noqa: RUF001
PROSE = (PARTING_LINES, SENTENCES, LINES)
ENTRIES = (LINES, SENTENCES)
WORDS = re.compile(r"([\s,;，、；：]++)([^\s,;，、；：]{1,16})")  # noqa: RUF001
"""Words, with what stands between each and the one before it."""


def spans_of(text: str, section: Section) -> Iterator[tuple[int, int]]:
    """Where its passages start and end, without the white space about them but with their indentation."""
    start = section.start
    while written := INK.search(text, start, section.end):
        start = _line_start(text, start, written.start())
        end = section.end if section.end - start <= LONGEST else _cut(text, section, start)
        passage = text[start:end].rstrip()
        if passage.strip():
            yield start, start + len(passage)
        start = end


def _line_start(text: str, earliest: int, written: int) -> int:
    """Where the line starts whose first character is at `written`; that character, if the line starts too early."""
    line = text.rfind("\n", earliest, written) + 1
    if line or earliest == 0 or text[earliest - 1] == "\n":
        return max(line or earliest, written - SHORTEST // 2)
    return written


def _cut(text: str, section: Section, start: int) -> int:
    """Where a passage that starts there ends, with more than it may hold left of the section."""
    latest = min(start + LONGEST, max(section.end - SCRAP, start + SHORTEST))
    earliest = start + SHORTEST
    for places in (section.breaks, section.soft_breaks):
        if found := _within(places, earliest, latest):
            return _best(text, found)
    for places in (section.breaks, section.soft_breaks):
        if found := _within(places, start + SCRAP, earliest - 1):
            return found[-1]
    for pattern in PROSE if region_at(section, latest - 1) is None else ENTRIES:
        if ends := [match.end() for match in pattern.finditer(text, earliest, latest)]:
            return _best(text, ends)
    return _word_start(text, earliest, latest) or _shingle_start(text, earliest, latest)


def _within(places: Sequence[int], first: int, last: int) -> Sequence[int]:
    return places[bisect_left(places, first) : bisect_right(places, last)]


def _best(text: str, places: Iterable[int]) -> int:
    return max(places, key=lambda place: crc32(text[max(0, place - CONTEXT) : place + CONTEXT].encode()))


def _word_start(text: str, earliest: int, latest: int) -> int | None:
    """Where the greatest word begins, since a hash of each would take long."""
    words: list[tuple[str, str]] = WORDS.findall(text, earliest, latest)
    if not words:
        return None
    before, word = max(words)
    return text.index(before + word, earliest, latest) + len(before)


def _shingle_start(text: str, earliest: int, latest: int) -> int:
    """A place in what has no words: where the greatest characters stand, the last of them if there are several."""
    window = text[earliest:latest]
    greatest = max(window)
    places: Iterable[int] = range(latest, earliest - 1, -1)
    if window.count(greatest) <= MOST_PLACES:
        places = [earliest + match.start() for match in re.finditer(re.escape(greatest), window)]
    return max(places, key=lambda place: text[place : place + SHINGLE])
