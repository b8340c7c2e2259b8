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
from functools import partial, reduce
from itertools import islice
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from jackfield_storage.semantic_index.full_text import Scope, full_text
from jackfield_storage.semantic_index.listed import listed
from jackfield_storage.semantic_index.search_words import SearchWords, without_accents, words_of
from jackfield_storage.semantic_index.unspaced_scripts import has_signs

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
_PARTED = bytes(ord(chr(code).lower()) if code < 128 and chr(code).isalnum() else ord(" ") for code in range(256))
"""ASCII in lower case, and spaces for all that is no letter or digit."""

_TEXTS_SQLITE = "SELECT id, heading, text FROM passages WHERE id IN (SELECT value FROM json_each(?))"
_TEXTS_POSTGRES = "SELECT id, heading, text FROM passages WHERE id = ANY(%s::bigint[])"
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

    within = reduce(partial(np.intersect1d, assume_unique=True), by_phrase.values())
    words = {word: np.intersect1d(ids, within, assume_unique=True) for word, ids in held.items()}
    return {**words, **dict.fromkeys(by_phrase, within)}


def _among(held: dict[str, NDArray[np.int64]], passages: list[int]) -> dict[str, NDArray[np.int64]]:
    import numpy as np

    return {word: np.intersect1d(ids, passages, assume_unique=True) for word, ids in held.items()}


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
    statement = _TEXTS_POSTGRES if connection.dialect.name == "postgresql" else _TEXTS_SQLITE
    rows = connection.exec_driver_sql(statement, (listed(connection, passages),)).all()
    idf = [_idf(len(held[word]) if word in held else MOST_POSTINGS, number) for word in wanted.words]
    holders = [_those_among(passages, held[word]) if word in held else None for word in wanted.words]
    counts = WordCounts(wanted.words)
    mean = sum(len(text) for _, _, text in rows) / max(len(rows), 1) or 1.0
    whole = sum(idf) or 1.0
    scores: dict[int, float] = {}
    shares: dict[int, float] = {}
    for passage, heading, text in rows:
        norm = SATURATION * (1 - LENGTH + LENGTH * len(text) / mean)
        score = share = 0.0
        for weight, having, count in zip(idf, holders, counts.of(heading, text), strict=True):
            if having is not None:  # the database knows whether, and only the text how often
                count = max(count, 1) if passage in having else 0
            if count:
                score += weight * count * (SATURATION + 1) / (count + norm)
                share += weight
        if score > 0:
            scores[passage], shares[passage] = score, share / whole
    return {passage: shares[passage] for passage in sorted(scores, key=lambda passage: (-scores[passage], passage))}


def _those_among(passages: list[int], ids: NDArray[np.int64]) -> set[int]:
    """Of passages in order, those that are among ids in order."""
    import numpy as np

    if not len(ids):
        return set()
    at = np.searchsorted(ids, passages)
    there = ids[np.minimum(at, len(ids) - 1)] == passages
    return {passage for passage, is_there in zip(passages, there.tolist(), strict=True) if is_there}


class WordCounts:
    """How often texts have words, as nearly as the words' beginnings tell."""

    def __init__(self, words: Sequence[str]) -> None:
        self._sought = [_sought(without_accents(word)) for word in words]

    def of(self, heading: str, text: str) -> list[int]:
        """For each word; those in the heading count HEADING times."""
        plain = _spaced(text)
        if not heading:
            return [plain.count(sought) for sought in self._sought]
        above = _spaced(heading)
        return [plain.count(sought) + HEADING * above.count(sought) for sought in self._sought]


def _spaced(text: str) -> bytes:
    """The words of a text between spaces, in UTF-8; ASCII takes a twentieth of the time that other texts take."""
    if text.isascii():
        return b" %b " % text.encode().translate(_PARTED)
    return f" {' '.join(words_of(without_accents(text)))} ".encode()


def _sought(word: str) -> bytes:
    """What a word's forms begin with, behind a space; short words and numbers have no other forms."""
    if has_signs(word):
        return word.encode()
    return f" {_ENDINGS.sub('', word)}".encode() if len(word) > SHORT and word.isalpha() else f" {word} ".encode()


def _idf(holders: int, number: int) -> float:
    return math.log(1 + (number - min(holders, number) + 0.5) / (holders + 0.5))
