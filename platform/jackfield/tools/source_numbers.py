"""The numbers by which one run's answers cite their sources."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from jackfield.events import Source

Passage = tuple[str, str, int, int, int]
"""What tells a source from every other: kind, identifier, version, and from where to where."""


class SourceNumbers:
    """Numbers sources on from those that a run has `told` of already."""

    def __init__(self, told: Iterable[Source] = ()) -> None:
        self._numbers = {_passage(source): source.number for source in told}
        self._told = set(self._numbers.values())

    def cite(self, source: Source) -> Source:
        """The source with its number, whatever number it has."""
        number = self._numbers.setdefault(_passage(source), max(self._numbers.values(), default=0) + 1)
        return msgspec.structs.replace(source, number=number)

    def untold(self, sources: Iterable[Source]) -> tuple[Source, ...]:
        """Those that nobody was told of, from here on told, by their numbers."""
        new = {source.number: source for source in map(self.cite, sources) if source.number not in self._told}
        self._told |= new.keys()
        return tuple(new.values())


def _passage(source: Source) -> Passage:
    return source.kind, source.id, source.version, source.start, source.end
