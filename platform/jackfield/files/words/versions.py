"""How people say which version of a file they mean."""

from __future__ import annotations

import re
from collections.abc import Callable

from jackfield.files.words.marks import TIMES
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


def _newest(found: re.Match[str], moment: Moment) -> Version | None:
    return NOW


def _at(found: re.Match[str], moment: Moment) -> Version | None:
    return moment(found["time"], False)


def _before(found: re.Match[str], moment: Moment) -> Version | None:
    return moment(found["time"], True)


READINGS: tuple[tuple[re.Pattern[str], Meaning], ...] = tuple(
    (re.compile(rf"(?<!\S){expression} "), meaning)
    for expression, meaning in (
        (rf"{_THE}(?:version|revision|rev|ver|edition)(?: number| no| nr| #)? ?#?(?P<number>\d{{1,4}})", _number),
        (r"(?:v|#)\.? ?(?P<number>\d{1,4})", _number),
        (r"(?:version|revision)(?: number)? (?P<count>one|two|three|four|five|six|seven|eight|nine|ten)", _spelled_number),
        (rf"(?:the |its |their )(?:very )?{_ORDINAL} (?:ever |saved |ever saved )?{_KIND}", _ordinal),
        (rf"(?:by |to |from )?(?:the )?(?:{_KIND} )?{_COUNT} {_STEP} (?:back|ago|earlier|before|prior|previously|older)", _back),
        (rf"(?:the )?{_KIND} {_COUNT} (?:back|before|earlier)", _back),
        (rf"(?:back )?(?:by )?{_COUNT} {_STEP} (?:backwards?)", _back),
        (rf"back (?:by )?{_COUNT} {_STEP}", _back),
        (rf"by {_COUNT} {_STEP}", _back),
        (rf"{_THE}last but (?P<count>one|two|three|four)(?: {_KIND})?", _last_but),
        (rf"{_THE}{_FORMER} (?:saved )?(?:{_KIND}|contents?|text)", _one_back),
        (rf"{_THE}{_KIND} (?:right |just |immediately )?(?:before|prior to|preceding) (?:this one|this|the (?:last|latest|current|"
         r"newest|present)(?: one| version| change| edit)?|that|the last one|last|it|now)", _one_back),
        (rf"{_THE}(?:version|revision|one) (?:right |just )?before", _one_back),
        (r"(?:back )?(?:to )?(?:the way|how|as|what|like) (?:it|they|that) (?:was|were|looked|stood) before (?:the )?"
         r"(?:last|latest|most recent) (?:change|edit|save|version|update)", _one_back),
        (r"(?:the )?(?:one |version )?before (?:the |my |our )?(?:last|latest|most recent) (?:change|edit|save|version|update|one)",
         _one_back),
        (rf"{_THE}(?:newest|latest|current|most recent|present|last|most current) (?:saved )?{_KIND}", _newest),
        (r"(?:the way|how|as|what) (?:it|they) (?:is|are|looks?|stands?) (?:right )?(?:now|today|at the moment|currently)", _newest),
        (rf"{_WAY}(?:right |just )?before {_T}", _before),
        (rf"{_WAY}{_T}", _at),
        (rf"{_T} 's (?:last |final |old )?{_KIND}(?: and contents)?", _at),
        (rf"{_T} 's (?:contents?|text)", _at),
        (rf"{_THE}(?:last |newest )?{_KIND} (?:from |of )?(?:right |just )?before {_T}", _before),
        (rf"{_THE}(?:last |newest |old |older )?(?:{_KIND}|contents?) (?:(?:which |that )?(?:it|we|i|they|there) "
         rf"(?:had|was|were|saved|wrote|made) )?(?:back )?(?:from|of|as of|at|on|as at|dated|in|as it was|as it stood|back)? ?{_T}",
         _at),
        (rf"{_THE}{_T} {_KIND}", _at),
        (rf"(?:as of|as at|as on|as it stood on) {_T}", _at),
        (r"(?:the )?(?:very )?(?:first|original|oldest|initial|earliest) (?:ever )?(?:version|revision|state|copy|draft)",
         lambda found, moment: Version(number=1)),
    )
)  # fmt: skip
"""In this order; each stands for whole words with one space behind them."""
