"""How much a memory bears on a question: by meaning, by words, and by how lately it was needed."""

from __future__ import annotations

import math
import re
from datetime import datetime

from jackfield.contracts.memory import MemoryUnit

RELEVANT = 0.30
"""Cosine similarity under which a unit does not bear on a question."""

LEXICAL = 0.34
"""Share of a question's words under which a unit does not, where there is nothing else to go by."""

HALF_LIFE_DAYS = 30.0
"""After so long without use, recency counts half."""

RECENCY = 0.15
"""How much of a score recency can make."""

_WORD = re.compile(r"\w+", re.UNICODE)

COMMON = frozenset(
    """
    a about am an and any are as at be been but by can could did do does for from had has have how i if in is
    it its me my of on or our should so than that the their them then there these they this to us was we were
    what when where which who why will with would you your
    """.split()  # noqa: SIM905
)
"""Words that say nothing of what a sentence is about."""


def words_of(text: str) -> frozenset[str]:
    """The words that a text is about, without endings that only bend them."""
    return frozenset(_stem(word) for word in _WORD.findall(text.casefold()) if word not in COMMON)


def shared_words(question: frozenset[str], text: str) -> float:
    """The share of a question's words that a text has."""
    return len(question & words_of(text)) / len(question) if question else 0.0


def bears(similarity: float | None, shared: float) -> bool:
    """Whether a unit has to do with a question at all."""
    return shared >= LEXICAL if similarity is None else similarity >= RELEVANT or shared >= 2 * LEXICAL


def score(unit: MemoryUnit, similarity: float | None, shared: float, now: datetime) -> float:
    """Relevance, and to a small part recency, between 0 and 1."""
    relevance = shared if similarity is None else 0.8 * max(similarity, 0.0) + 0.2 * shared
    touched = max(filter(None, (unit.changed_at, unit.recalled_at)))
    days = max((now - touched).total_seconds(), 0.0) / 86400
    return (1 - RECENCY) * relevance + RECENCY * math.pow(0.5, days / HALF_LIFE_DAYS)


def _stem(word: str) -> str:
    for ending in ("ing", "ies", "es", "ed", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word.removesuffix(ending)
    return word
