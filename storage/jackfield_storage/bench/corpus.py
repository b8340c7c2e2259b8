"""Generates files whose contents are known: short papers of several kinds about matters that are all a little alike.

A matter is something that happened somewhere for some reason, with a person, a project, a town and a reference of its
own. One to six papers tell of it: drafts and finals, letters, minutes, copies in an archive. How much matters have in
common grows with their number, so that at every size there are papers that differ in one thing only. Nothing here
knows how anything is searched.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import msgspec

from jackfield_storage.bench.corpus_words import (
    ASIDES,
    CAUSES,
    CODE_WORDS,
    FIRST_NAMES,
    LAST_NAMES,
    MONTHS,
    PLACES,
    STANDING_TEXT,
    TELLINGS,
    TOPICS,
    TOWNS,
)

COPIED = 0.3
"""Papers of which an exact copy lies in the archive."""
WITH_STANDING_TEXT = 0.3
"""Minutes that end with text which many minutes have."""
WITH_ASIDE = 0.5
MOST_PAPERS = 6
ALMOST_ALIKE = 0.3
"""References that differ from another in their last sign only."""
LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ"


class Matter(msgspec.Struct, frozen=True, kw_only=True):
    """What papers are about; topic, place and cause are numbers in the lists of words."""

    topic: int
    place: int
    cause: int
    person: str
    project: str
    town: str
    reference: str


class BenchFile(msgspec.Struct, frozen=True, kw_only=True):
    """A generated file, the matter it tells of, by number, and whether its text names the project."""

    path: str
    content: bytes
    matter: int
    names_project: bool


class Corpus(msgspec.Struct, frozen=True):
    """Generated files, and their matters."""

    files: tuple[BenchFile, ...]
    matters: tuple[Matter, ...]

    @property
    def bytes(self) -> int:
        """Of all files."""
        return sum(len(file.content) for file in self.files)


def generated_corpus(size: int, seed: int) -> Corpus:
    """So many files; the same for the same seed."""
    chance = random.Random(f"{seed} {size}")  # noqa: S311 - a corpus, no secret
    world = _World(chance, size)
    files: list[BenchFile] = []
    matters: list[Matter] = []
    while len(files) < size:
        matters.append(world.matter())
        papers = _papers(chance, matters[-1], len(matters) - 1, world.somebody)
        files += papers[: size - len(files)]
    return Corpus(tuple(files), tuple(matters))


class _World:
    """Who and what there is in an office of some size."""

    def __init__(self, chance: random.Random, size: int) -> None:
        self._chance = chance
        matters = size / 3
        self._topics = _some(chance, len(TOPICS), 3 * matters**0.22)
        self._places = _some(chance, len(PLACES), 2.5 * matters**0.29)
        self._causes = _some(chance, len(CAUSES), 2.5 * matters**0.23)
        names = [f"{first} {last}" for first in FIRST_NAMES for last in LAST_NAMES]
        self._people = chance.sample(names, min(len(names), 6 + size // 60))
        self._towns = chance.sample(TOWNS, min(len(TOWNS), 3 + size // 100))
        self._references: set[str] = set()
        self._last = ""

    def matter(self) -> Matter:
        """Something new that happened."""
        chance = self._chance
        return Matter(
            topic=chance.choice(self._topics),
            place=chance.choice(self._places),
            cause=chance.choice(self._causes),
            person=self.somebody(),
            project=f"{chance.choice(CODE_WORDS)} {chance.choice(CODE_WORDS)}",
            town=chance.choice(self._towns),
            reference=self._reference(),
        )

    def somebody(self) -> str:
        """A person."""
        return self._chance.choice(self._people)

    def _reference(self) -> str:
        """One that no other matter has, though some differ from the one before in their last sign only."""
        chance = self._chance
        while True:
            start = f"{''.join(chance.choices(LETTERS, k=2))}-{chance.randrange(10_000, 100_000)}-"
            if self._last and chance.random() < ALMOST_ALIKE:
                start = self._last[:-1]
            reference = start + chance.choice(LETTERS)
            if reference not in self._references:
                self._references.add(reference)
                self._last = reference
                return reference


def _some(chance: random.Random, there_are: int, wanted: float) -> list[int]:
    return chance.sample(range(there_are), min(there_are, max(2, round(wanted))))


def _papers(chance: random.Random, matter: Matter, number: int, somebody: Callable[[], str]) -> list[BenchFile]:
    """The files of one matter."""
    papers: list[BenchFile] = []
    folder = f"{matter.town.lower()}/{matter.project.replace(' ', '-')}"
    for place in range(chance.choices(range(1, MOST_PAPERS + 1), (30, 28, 18, 12, 7, 5))[0]):
        kind = chance.choice(_KINDS)
        content = kind.write(_Sheet(chance, matter, somebody)).encode()
        name = f"{kind.name}-{number}-{place}.{kind.ending}"
        copies = [f"archive/{folder}/{name}"] if chance.random() < COPIED else []
        papers += [
            BenchFile(path=path, content=content, matter=number, names_project=kind.names_project)
            for path in (f"{folder}/{name}", *copies)
        ]
    return papers


class _Sheet:
    """One paper while it is written: every value it needs, drawn anew for each."""

    def __init__(self, chance: random.Random, matter: Matter, somebody: Callable[[], str]) -> None:
        self._chance = chance
        self.matter = matter
        self.other = somebody()

    @property
    def date(self) -> str:
        return f"{self._chance.randrange(1, 29)} {self._chance.choice(MONTHS)}"

    @property
    def amount(self) -> str:
        return f"{self._chance.randrange(2, 900) * 50:,} crowns"

    @property
    def telling(self) -> str:
        """What happened and why."""
        chance, matter = self._chance, self.matter
        place = PLACES[matter.place].told[0]
        what = self._filled(chance.choice(TOPICS[matter.topic].told), it=place)
        why = chance.choice(CAUSES[matter.cause].told)
        return chance.choice(TELLINGS).format(what=what, why=why, What=_capital(what), Why=_capital(why))

    @property
    def aside(self) -> str:
        """A sentence that could stand in any paper, in some of them."""
        if self._chance.random() >= WITH_ASIDE:
            return ""
        return " " + self._filled(self._chance.choice(ASIDES))

    @property
    def standing(self) -> str:
        """A section that many papers have, in some of them."""
        if self._chance.random() >= WITH_STANDING_TEXT:
            return ""
        return f"\n\n## About these minutes\n\n{self._chance.choice(STANDING_TEXT)}"

    def _filled(self, text: str, it: str = "") -> str:
        return text.format(it=it, date=self.date, amount=self.amount, other=self.other)


def _note(sheet: _Sheet) -> str:
    matter = sheet.matter
    return f"{sheet.telling}{sheet.aside}\n{matter.person}, {matter.town}, {matter.reference}\n"


def _letter(sheet: _Sheet) -> str:
    matter = sheet.matter
    return (
        f"To {sheet.other}. About {matter.project}, {matter.reference}.\n\n"
        f"{sheet.telling}{sheet.aside}\n\n{matter.person}, {matter.town}\n"
    )


def _minutes(sheet: _Sheet) -> str:
    matter = sheet.matter
    return (
        f"# {_capital(matter.project)}\n\n{matter.town}, {sheet.date}, {matter.person}. "
        f"{sheet.telling}{sheet.aside} ({matter.reference}){sheet.standing}\n"
    )


def _draft(sheet: _Sheet) -> str:
    return f"DRAFT {_note(sheet)}"


def _ticket(sheet: _Sheet) -> str:
    matter = sheet.matter
    return f"{matter.reference} {matter.town}\n{sheet.telling}\n{matter.person}\n"


class _Kind(msgspec.Struct, frozen=True):
    name: str
    ending: str
    write: Callable[[_Sheet], str]
    names_project: bool = False


_KINDS = (
    _Kind("note", "txt", _note),
    _Kind("letter", "txt", _letter, names_project=True),
    _Kind("minutes", "md", _minutes, names_project=True),
    _Kind("draft", "txt", _draft),
    _Kind("ticket", "txt", _ticket),
)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
