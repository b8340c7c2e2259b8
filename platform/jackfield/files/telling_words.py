"""Words that tell one group of texts from the others."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

_WORD = re.compile(r"[^\W\d_][^\W_]{2,}(?:[-'][^\W\d_]+)*")
_COMMON = frozenset({
    "about", "after", "again", "against", "all", "also", "and", "any", "are", "because", "been", "before", "being",
    "between", "both", "but", "can", "could", "did", "document", "documents", "does", "doing", "done", "during",
    "e.g", "each", "etc", "every", "file", "files", "first", "for", "from", "further", "get", "had", "has", "have",
    "her", "here", "him", "his", "how", "however", "i.e", "into", "its", "just", "let", "like", "many", "may",
    "might", "more", "most", "much", "must", "new", "none", "not", "note", "notes", "now", "old", "once", "one",
    "only", "other", "our", "out", "over", "own", "per", "said", "same", "see", "shall", "she", "should", "since",
    "some", "still", "such", "than", "that", "the", "their", "them", "then", "there", "therefore", "these", "they",
    "this", "those", "through", "time", "too", "two", "under", "until", "upon", "use", "very", "via", "was", "way",
    "were", "what", "when", "where", "which", "while", "who", "will", "with", "within", "without", "would", "yet",
    "you", "your",
})  # fmt: skip
_PRIOR = 0.5


def words_in(text: str) -> list[str]:
    """A text's words in small letters, without those that every text has."""
    return [word for word in (found[0].lower() for found in _WORD.finditer(text)) if word not in _COMMON]


def telling_words(groups: Sequence[Sequence[str]], most: int = 3) -> list[tuple[str, ...]]:
    """For each group of texts the words that are more frequent in it than chance would have it (log-odds).

    A word counts once for each text it is in, so that no long text decides alone.
    """
    counts = [Counter(word for text in texts for word in set(words_in(text))) for texts in groups]
    whole: Counter[str] = Counter()
    for count in counts:
        whole.update(count)
    return [_most_telling(count, whole, len(texts), most) for count, texts in zip(counts, groups, strict=True)]


def _most_telling(here: Counter[str], whole: Counter[str], texts: int, most: int) -> tuple[str, ...]:
    total, inside = sum(whole.values()), sum(here.values())

    def score(word: str) -> tuple[float, int, str]:
        """A z-score of log-odds: frequent and particular at once."""
        mine, others = here[word] + _PRIOR, whole[word] - here[word] + _PRIOR
        odds = math.log(mine / (inside + 1)) - math.log(others / (total - inside + 1))
        return odds / math.sqrt(1 / mine + 1 / others), here[word], word

    shared = [word for word in here if here[word] > 1 or texts == 1 or len(here) < most]
    ranked = sorted(shared or here, key=lambda word: (*(-part for part in score(word)[:2]), word))
    return tuple(ranked[:most])
