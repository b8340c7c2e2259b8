"""Slips of the finger: words one letter away from one that sentences are made of."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import combinations

from jackfield.files.words.frames import patterns, refusals
from jackfield.files.words.grammar import vocabulary
from jackfield.files.words.verbs import base_forms

MOST = 24
"""Mendings of one sentence that are tried."""


def mendings(text: str, *, swapped_only: bool) -> Iterator[str]:
    """A sentence with one word mended, then with two; only where two letters changed places, if that is asked."""
    words = text.split()
    near = [
        (index, known)
        for index, word in enumerate(words)
        if _mendable(word, first=index == 0)
        for known in _near(word, verb=index == 0)
        if not swapped_only or swapped(word, known)
    ]
    tried = [*combinations(near, 1), *combinations(near, 2)]
    for changes in [some for some in tried if len({index for index, _ in some}) == len(some)][:MOST]:
        mended = list(words)
        for index, known in changes:
            mended[index] = known
        yield " ".join(mended) + " "


@cache
def _known_words() -> frozenset[str]:
    return vocabulary((*patterns(), *refusals()))


def _mendable(word: str, *, first: bool) -> bool:
    return (
        len(word) >= (3 if first else 4)
        and word.isalpha()
        and word.isascii()
        and word not in _known_words() | base_forms()
    )


def _near(word: str, *, verb: bool) -> list[str]:
    known_words = _known_words() | (base_forms() if verb else frozenset())
    close = [
        known
        for known in known_words
        if len(known) > 2 and known[0] == word[0] and one_slip(word, known) and not _is_plural_of(word, known)
    ]
    return sorted(close, key=lambda known: (not swapped(word, known), verb and known not in base_forms(), known))[:4]


def _is_plural_of(one: str, two: str) -> bool:
    """`drafts` is no slip for `draft`."""
    return one.rstrip("s") == two.rstrip("s")


def swapped(one: str, two: str) -> bool:
    """Whether two neighbouring letters changed places."""
    differ = [index for index, (left, right) in enumerate(zip(one, two, strict=False)) if left != right]
    return len(one) == len(two) and len(differ) == 2 and sorted(one) == sorted(two) and differ[1] == differ[0] + 1


def one_slip(one: str, two: str) -> bool:
    """Whether a letter was changed, left out, put in, or two changed places."""
    if abs(len(one) - len(two)) > 1 or one == two:
        return False
    start = 0
    while start < min(len(one), len(two)) and one[start] == two[start]:
        start += 1
    rest, other = one[start:], two[start:]
    return rest[1:] == other[1:] or rest[1:] == other or rest == other[1:] or (
        len(rest) > 1 and len(other) > 1 and rest[0] == other[1] and rest[1] == other[0] and rest[2:] == other[2:]
    )  # fmt: skip
