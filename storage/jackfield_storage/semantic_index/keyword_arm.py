"""Passages by their words: BM25 over those that hold the rarest of the words that are looked for.

Scoring all that hold any word takes 100 ms and more at 60,000 passages, nearly all of it on words that say little. So
the database gives who holds the rarer words, at most MOST_POSTINGS in all; the SCORED that hold the most telling ones
are read, and scored by every word, the common ones too.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Sequence
from functools import reduce
from itertools import islice
from typing import TYPE_CHECKING

from sqlalchemy import Connection, bindparam, text

from jackfield_storage.semantic_index.full_text import Scope, full_text
from jackfield_storage.semantic_index.search_words import SearchWords, without_accents, words_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_POSTINGS = 4_000
"""Passages that are weighed for one search."""
SCORED = 64
"""Passages whose texts are read, unless a search asks for more."""
READ_BELOW = 500
"""Passages below a folder that are read where too few hold a telling word."""
COMMON_SECONDS = 60.0
"""How long a word is taken to be common, once it was found to be."""
MOST_COMMON = 10_000

SATURATION = 1.2
LENGTH = 0.75
"""BM25's k1 and b."""
HEADING = 2
"""What a word counts in a heading."""
SHORT = 4
_PARTED = {code: " " for code in range(128) if not chr(code).isalnum()}

_TEXTS = text("SELECT id, heading, text FROM passages WHERE id IN :ids").bindparams(bindparam("ids", expanding=True))
_ENDINGS = re.compile(r"(?:ations?|ings?|edly|ed|ies|es|ly|s|e|y)$")


class KeywordArm:
    """Ranks passages by words. To be used in a thread of the database's."""

    def __init__(self) -> None:
        self._common: dict[str, float] = {}

    def ranked(self, connection: Connection, wanted: SearchWords, scope: Scope, depth: int) -> dict[int, float]:
        """Up to `depth` passages, best first, with the share of the words that each holds, rare ones counting most."""
        number = int(connection.exec_driver_sql("SELECT max(id) FROM passages").scalar() or 0)
        held = self._held(connection, wanted, scope)
        if scope.passages is not None:
            held = _among(held, scope.passages)
        passages = _most_telling(held, number, max(depth, SCORED))
        if scope.passages and len(passages) < SCORED and not wanted.phrases:
            # Words that are common everywhere may tell something below a folder.
            passages = sorted({*passages, *scope.passages[:READ_BELOW]})
        return dict(islice(_by_bm25(connection, wanted, held, passages, number).items(), depth))

    def _held(self, connection: Connection, wanted: SearchWords, scope: Scope) -> dict[str, NDArray[np.int64]]:
        """Who holds which of the rarest words; where there are phrases, only those that hold all of them."""
        rarer = [word for word in wanted.words if not self._is_common(word)]
        terms = [[word] for word in rarer] + [phrase.split() for phrase in wanted.phrases]
        found = full_text(connection).holding(connection, terms, scope, MOST_POSTINGS + 1) if terms else []
        by_word = dict(zip(rarer, found, strict=False))
        for word, ids in by_word.items():
            if len(ids) > MOST_POSTINGS:
                self._take_for_common(word)
        held = _rarest({word: ids for word, ids in by_word.items() if len(ids) <= MOST_POSTINGS})
        if wanted.phrases:
            return _with_phrases(held, dict(zip(wanted.phrases, found[len(rarer) :], strict=True)))
        if any(len(ids) for ids in held.values()):
            return held
        return self._held_together(connection, wanted.words, scope)

    def _held_together(
        self, connection: Connection, words: Sequence[str], scope: Scope
    ) -> dict[str, NDArray[np.int64]]:
        """Where each word is common or nowhere: those that hold all that are common, and then any that hold one."""
        common = [word for word in words if self._is_common(word)]
        if not common:
            return {}
        together = full_text(connection).holding_all(connection, common, scope, MOST_POSTINGS)
        if len(together) >= SCORED or len(common) == 1:
            return {" ".join(common): together}
        some = full_text(connection).holding(
            connection, [[word] for word in common], scope, MOST_POSTINGS // len(common)
        )
        return {" ".join(common): together, **dict(zip(common, some, strict=True))}

    def _is_common(self, word: str) -> bool:
        return self._common.get(word, 0.0) > time.monotonic()

    def _take_for_common(self, word: str) -> None:
        if len(self._common) >= MOST_COMMON:
            self._common.clear()
        self._common[word] = time.monotonic() + COMMON_SECONDS


def _rarest(by_word: dict[str, NDArray[np.int64]]) -> dict[str, NDArray[np.int64]]:
    """The words that the fewest hold, as many as there is room for."""
    kept: dict[str, NDArray[np.int64]] = {}
    room = MOST_POSTINGS
    for word in sorted(by_word, key=lambda word: len(by_word[word])):
        if (room := room - len(by_word[word])) < 0:
            break
        kept[word] = by_word[word]
    return kept


def _with_phrases(
    held: dict[str, NDArray[np.int64]], by_phrase: dict[str, NDArray[np.int64]]
) -> dict[str, NDArray[np.int64]]:
    import numpy as np

    within = reduce(np.intersect1d, by_phrase.values())
    words = {word: np.intersect1d(ids, within) for word, ids in held.items()}
    return {**words, **dict.fromkeys(by_phrase, within)}


def _among(held: dict[str, NDArray[np.int64]], passages: list[int]) -> dict[str, NDArray[np.int64]]:
    import numpy as np

    return {word: np.intersect1d(ids, passages) for word, ids in held.items()}


def _most_telling(held: dict[str, NDArray[np.int64]], number: int, most: int) -> list[int]:
    """The passages whose words are held by the fewest others, in the order of their ids."""
    import numpy as np

    if not held:
        return []
    weights = [_idf(len(ids), number) for ids in held.values()]
    everyone = np.concatenate(list(held.values()))
    each = np.repeat(weights, [len(ids) for ids in held.values()])
    passages, places = np.unique(everyone, return_inverse=True)
    if len(passages) > most:
        sums = np.bincount(places, weights=each)
        passages = np.sort(passages[np.argpartition(-sums, most)[:most]])
    found: list[int] = passages.tolist()
    return found


def _by_bm25(
    connection: Connection,
    wanted: SearchWords,
    held: dict[str, NDArray[np.int64]],
    passages: list[int],
    number: int,
) -> dict[int, float]:
    """Those of some passages that have any of the words, best first; there are about `number` in all.

    Each has the share of the words that it holds, weighed like the words: from 0 to 1.
    """
    rows = connection.execute(_TEXTS, {"ids": passages}).all()
    idf = {word: _idf(len(held[word]) if word in held else MOST_POSTINGS, number) for word in wanted.words}
    holders = {word: _those_among(passages, held[word]) for word in wanted.words if word in held}
    counts = WordCounts(wanted.words)
    mean = sum(len(row.text) for row in rows) / max(len(rows), 1) or 1.0
    whole = sum(idf.values()) or 1.0
    scores: dict[int, float] = {}
    shares: dict[int, float] = {}
    for row in rows:
        norm = SATURATION * (1 - LENGTH + LENGTH * len(row.text) / mean)
        score = share = 0.0
        for word, count in counts.of(row.heading, row.text):
            if word in holders:  # the database knows whether, and only the text how often
                count = max(count, 1) if row.id in holders[word] else 0
            score += idf[word] * count * (SATURATION + 1) / (count + norm)
            share += idf[word] if count else 0.0
        if score > 0:
            scores[row.id], shares[row.id] = score, share / whole
    return {passage: shares[passage] for passage in sorted(scores, key=lambda passage: (-scores[passage], passage))}


def _those_among(passages: list[int], ids: NDArray[np.int64]) -> set[int]:
    import numpy as np

    return set(np.intersect1d(passages, ids).tolist())


class WordCounts:
    """How often texts have words, as nearly as the words' beginnings tell."""

    def __init__(self, words: Sequence[str]) -> None:
        self._sought = [(word, _sought(without_accents(word))) for word in words]

    def of(self, heading: str, text: str) -> list[tuple[str, int]]:
        """For each word; those in the heading count HEADING times."""
        plain = _spaced(text)
        if not heading:
            return [(word, plain.count(sought)) for word, sought in self._sought]
        above = _spaced(heading)
        return [(word, plain.count(sought) + HEADING * above.count(sought)) for word, sought in self._sought]


def _spaced(text: str) -> str:
    """The words of a text between spaces; ASCII takes a tenth of the time that other texts take."""
    if text.isascii():
        return f" {text.lower().translate(_PARTED)} "
    return f" {' '.join(words_of(without_accents(text)))} "


def _sought(word: str) -> str:
    """What a word's forms begin with, behind a space; short words and numbers have no other forms."""
    return f" {_ENDINGS.sub('', word)}" if len(word) > SHORT and word.isalpha() else f" {word} "


def _idf(holders: int, number: int) -> float:
    return math.log(1 + (number - min(holders, number) + 0.5) / (holders + 0.5))
