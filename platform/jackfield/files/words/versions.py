"""How people say which version of a file they mean."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from jackfield.files.words.marks import TIMES
from jackfield.files.words.sentence_files import lines_of
from jackfield.files.words.steps import NOW, Version

Moment = Callable[[str, bool], "Version | None"]
"""The newest version at a marked time; or, when true, right before it."""
Meaning = Callable[["re.Match[str]", Moment], "Version | None"]

_NUMBERS = {
    name: number
    for number, names in enumerate(
        ("one|a|an", "two|a couple of|a couple", "three|a few", "four", "five", "six", "seven", "eight", "nine", "ten"),
        1,
    )
    for name in names.split("|")
}
_ORDINALS = {
    name: number
    for number, names in enumerate(
        (
            *("first|1st|very first|original|initial|oldest|earliest", "second|2nd", "third|3rd", "fourth|4th"),
            *("fifth|5th", "sixth|6th", "seventh|7th", "eighth|8th", "ninth|9th", "tenth|10th"),
        ),
        1,
    )
    for name in names.split("|")
}
_COUNT = rf"(?P<count>\d{{1,4}}|{'|'.join(sorted(_NUMBERS, key=len, reverse=True))})"
_ORDINAL = rf"(?P<ordinal>\d{{1,3}}th|{'|'.join(sorted(_ORDINALS, key=len, reverse=True))})"
_KIND = r"(?:version|revision|edition|copy|state|rev|iteration|draft|variant|one|snapshot)s?"
_STEP = r"(?:versions?|revisions?|steps?|edits?|saves?|revs?|changes?|writes?|iterations?)"
_T = f"(?P<time>[{TIMES}])"
_THE = r"(?:the |its |their |that |an? )?"
_FORMER = (
    r"(?:previous|prior|preceding|penultimate|former|second to last|second-to-last|last but one|second last|"
    r"last-but-one|next to last|next-to-last|next to newest|second newest|second most recent)"
)
_WAY = (
    r"(?:back )?(?:to )?(?:exactly )?(?:just )?(?:the way|as|how|what|like|the state|where|the shape|the form) "
    r"(?:(?:that )?(?:it|they|that|things|this) )?"
    r"(?:was in|were in|was|were|looked like|looked|stood at|stood|used to be|did|had been|read|used to look|said|had)"
    r"(?: like)? (?:back )?(?:then )?(?:in |on |at |as of |from )?"
)


def _number(found: re.Match[str], moment: Moment) -> Version | None:
    return Version(number=int(found["number"])) if int(found["number"]) > 0 else None


def _spelled_number(found: re.Match[str], moment: Moment) -> Version | None:
    return Version(number=_NUMBERS[found["count"]])


def _ordinal(found: re.Match[str], moment: Moment) -> Version | None:
    said = found["ordinal"]
    return Version(number=_ORDINALS.get(said) or int(said.removesuffix("th")))


def _back(found: re.Match[str], moment: Moment) -> Version | None:
    said = found["count"]
    return Version(back=_NUMBERS.get(said) or int(said))


def _last_but(found: re.Match[str], moment: Moment) -> Version | None:
    return Version(back={"one": 1, "two": 2, "three": 3, "four": 4}[found["count"]])


def _one_back(found: re.Match[str], moment: Moment) -> Version | None:
    return Version(back=1)


def _first(found: re.Match[str], moment: Moment) -> Version | None:
    return Version(number=1)


def _newest(found: re.Match[str], moment: Moment) -> Version | None:
    return NOW


def _at(found: re.Match[str], moment: Moment) -> Version | None:
    return moment(found["time"], False)


def _before(found: re.Match[str], moment: Moment) -> Version | None:
    return moment(found["time"], True)


_MEANINGS: dict[str, Meaning] = {
    "number": _number,
    "spelled_number": _spelled_number,
    "ordinal": _ordinal,
    "back": _back,
    "last_but": _last_but,
    "one_back": _one_back,
    "newest": _newest,
    "at": _at,
    "before": _before,
    "first": _first,
}
_PARTS = {
    "ORDINAL": _ORDINAL,
    "COUNT": _COUNT,
    "KIND": _KIND,
    "STEP": _STEP,
    "T": _T,
    "THE": _THE,
    "FORMER": _FORMER,
    "WAY": _WAY,
}


def _readings() -> Iterator[tuple[re.Pattern[str], Meaning]]:
    for line in lines_of("versions"):
        meaning, _, expression = line.partition(" = ")
        yield re.compile(rf"(?<!\S){expression.format_map(_PARTS)} "), _MEANINGS[meaning]


READINGS = tuple(_readings())
"""In this order; each stands for whole words with one space behind them."""
