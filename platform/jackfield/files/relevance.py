"""Of the passages that a search found, those that bear on what was asked, each said once."""

from __future__ import annotations

import re
from collections.abc import Sequence

from jackfield.contracts.files import Found

LEAST = 0.2
"""What a passage must score to have anything to do with a question."""
SHARE_OF_BEST = 0.4
"""And beside the passage that scores most."""
SAME = 0.9
"""The share of words in common from which on two passages say the same."""
CONTAINED = 0.7
"""The share of a passage from which on one within it says the same."""


def relevant(found: Sequence[Found]) -> list[Found]:
    """In the order in which they were found; of those that are nearly the same text only the first."""
    least = max(LEAST, SHARE_OF_BEST * max((one.score for one in found), default=0.0))
    kept: list[Found] = []
    seen: list[list[str]] = []
    for one in found:
        words = re.findall(r"\w+", one.text.lower())
        if not words or one.score < least or any(_is_same(words, other) for other in seen):
            continue
        kept.append(one)
        seen.append(words)
    return kept


def _is_same(words: Sequence[str], other: Sequence[str]) -> bool:
    """Whether `other` says it: all of it, or nearly all with the same numbers, as a joined file does."""
    if f" {' '.join(words)} " in f" {' '.join(other)} ":
        return True
    mine, its = frozenset(words), frozenset(other)
    apart = mine ^ its
    if f" {' '.join(other)} " in f" {' '.join(words)} ":
        return len(other) >= CONTAINED * len(words)
    return len(mine & its) >= SAME * len(mine | its) and not any(sign.isdigit() for word in apart for sign in word)
