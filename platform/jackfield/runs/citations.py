"""Where an answer cites its sources, by their numbers in brackets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import msgspec

from jackfield.events import Source

_BRACKETS = re.compile(r"\[(\d{1,3}(?:\s*[,;]\s*\d{1,3})*)\]")
_NUMBER = re.compile(r"\d+")


class Citation(msgspec.Struct, frozen=True, kw_only=True):
    """A source's number in brackets, and where these stand in the answer, in characters."""

    source: Source
    start: int
    end: int


def citations(text: str, sources: Iterable[Source]) -> tuple[Citation, ...]:
    """Every place where a text cites a source, such as [1] or [1, 3]; other numbers are passed over."""
    known = {source.number: source for source in sources}
    if not known:
        return ()
    return tuple(
        Citation(source=known[int(number)], start=brackets.start(), end=brackets.end())
        for brackets in _BRACKETS.finditer(text)
        for number in _NUMBER.findall(brackets[1])
        if int(number) in known
    )


def cited_numbers(text: str, sources: Iterable[Source]) -> frozenset[int]:
    """The numbers of the sources that a text cites."""
    return frozenset(citation.source.number for citation in citations(text, sources))


def cited_first(text: str, sources: Sequence[Source]) -> tuple[Source, ...]:
    """All sources, those that a text cites before the others."""
    cited = cited_numbers(text, sources)
    return tuple(sorted(sources, key=lambda source: (source.number not in cited, source.number)))
