"""Source code as its functions and classes: whole where they fit, else their parts under the same name."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence

from jackfield_storage.chunking.cutting import LONGEST
from jackfield_storage.chunking.definitions import Definition, definitions
from jackfield_storage.chunking.plain_text import EMPTY_LINES
from jackfield_storage.chunking.sections import Region, Section, short_title

SMALLEST = 100
"""Characters below which a definition shares its passages with those beside it."""


def code_sections(text: str, language: str) -> Iterator[Section]:
    """In order, without a gap; empty lines are where the parts of one are cut."""
    outline = _Outline(text)
    for definition in definitions(text, language):
        outline.add(definition)
    breaks = sorted({*outline.breaks, *(match.end() for match in EMPTY_LINES.finditer(text))})
    for start, end, name in outline.stretches():
        within = breaks[bisect_left(breaks, start) : bisect_left(breaks, end)]
        yield Section(start, end, short_title(name), within, regions=(Region(start, end),))


class _Outline:
    """Which definition each stretch of code belongs to."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._marks: list[tuple[int, str]] = [(0, "")]
        self._open: list[Definition] = []
        self._whole_until = 0
        self._small: list[Definition] = []
        self.breaks: list[int] = []

    def add(self, definition: Definition) -> None:
        """The next in the order of their starts."""
        self._close(definition.start)
        if definition.start < self._whole_until:
            return
        size = len(self._text[definition.start : definition.end].strip())
        if size <= LONGEST:
            self._whole_until = definition.end
        if size < SMALLEST:
            self._small.append(definition)
            self.breaks += (definition.start, definition.end)
        else:
            self._marks.append((definition.start, definition.name))
            self._open.append(definition)

    def stretches(self) -> Iterator[tuple[int, int, str]]:
        """Start, end and name of each."""
        self._close(len(self._text))
        ends = [start for start, _ in self._marks[1:]]
        for (start, name), end in zip(self._marks, [*ends, len(self._text)], strict=True):
            if start < end:
                yield start, end, self._only_small(start, end) or name

    def _close(self, at: int) -> None:
        while self._open and self._open[-1].end <= at:
            end = self._open.pop().end
            self._marks.append((end, self._open[-1].name if self._open else ""))

    def _only_small(self, start: int, end: int) -> str:
        """The name of the small definition that a stretch is made of, if it is one."""
        small: Sequence[Definition] = self._small
        at = bisect_left(small, start, key=lambda definition: definition.start)
        if at == len(small) or small[at].end > end:
            return ""
        around = self._text[start : small[at].start] + self._text[small[at].end : end]
        return "" if around.strip() else small[at].name
