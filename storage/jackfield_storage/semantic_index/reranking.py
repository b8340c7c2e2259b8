"""Ranking the first places again: how much of the query a passage has, how close together, and how near in meaning.

No second model reads query and passage together; that would take some 40 ms for each passage on two cores.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from jackfield_storage.semantic_index.keyword_arm import WordCounts
from jackfield_storage.semantic_index.search_words import SearchWords, words_of

SIMILARITY = 0.5
COVERAGE = 0.35
CLOSENESS = 0.15


def telling(
    passages: Sequence[tuple[str, str]], similarities: Sequence[float | None], wanted: SearchWords
) -> list[float]:
    """For each passage (heading, text) a score of 0 to 1; one without a similarity has the least of the others."""
    counts = WordCounts(wanted.words)
    known = [similarity for similarity in similarities if similarity is not None]
    least = min(known, default=0.0)
    scores = []
    for (heading, text), similarity in zip(passages, similarities, strict=True):
        near = max(least if similarity is None else similarity, 0.0)
        covered = sum(count > 0 for count in counts.of(heading, text)) / len(wanted.words)
        scores.append(SIMILARITY * near + COVERAGE * covered + CLOSENESS * _closeness(text, wanted))
    return scores


def _closeness(text: str, wanted: SearchWords) -> float:
    """The share of words that follow each other in the query and stand next to each other in the text."""
    pairs = set(pairwise(wanted.words))
    there = pairs & set(pairwise(words_of(text)))
    return len(there) / len(pairs) if pairs else 1.0
