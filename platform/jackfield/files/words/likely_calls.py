"""Which calls a sentence may mean, by the words that it shares with the sentences of each."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from functools import cache

from jackfield.files.words.frames import patterns
from jackfield.files.words.marks import DURATIONS, PATHS, QUOTES, TIMES, VERSIONS
from jackfield.files.words.sentence_files import lines_of
from jackfield.files.words.verbs import base_forms, imperative

_WORD = re.compile(r"[a-z]{2,}")
_LITTLE = frozenset(lines_of("little_words"))
_NAMED = re.compile(r"\(\?P<\w+>[^)]*\)")

HINTS: tuple[tuple[str, tuple[str, ...], float], ...] = (
    (f"[{VERSIONS}]", ("rollback", "read", "compare", "link"), 4.0),
    (f"[{DURATIONS}]", ("lock", "link"), 3.0),
    (f"[{TIMES}]", ("changes", "compare", "rollback", "read", "lock", "link"), 1.0),
    (f"[{QUOTES}]", ("append", "overwrite", "create", "find"), 2.5),
    (f"[{PATHS}].*[{PATHS}]", ("rename", "join", "compare"), 2.0),
)
"""What marks in a sentence speak for."""


def likely_calls(text: str, most: int) -> list[str]:
    """The likeliest first."""
    words = set(_WORD.findall(text)) | set(_WORD.findall(imperative(text)))
    scores: dict[str, float] = {}
    for call, weights in _weights().items():
        scores[call] = sum(weights.get(word, 0.0) for word in words)
    for expression, calls, weight in HINTS:
        if re.search(expression, text):
            for call in calls:
                scores[call] += weight
    return [call for call, _ in sorted(scores.items(), key=lambda item: (-item[1], item[0]))[:most]]


def speaks_of_files(text: str) -> bool:
    """Whether plain words share anything with any call but little words: a verb, a path, a quote or a version."""
    if re.search(f"[{PATHS}{QUOTES}{VERSIONS}]", text):
        return True
    known = frozenset().union(*_weights().values()) | base_forms()
    words = (set(_WORD.findall(text)) | set(_WORD.findall(imperative(text)))) - _LITTLE
    return bool(words & known)


@cache
def _weights() -> dict[str, dict[str, float]]:
    """For each call how much each word speaks for it: the more of its patterns have it and the fewer others'."""
    shares: dict[str, dict[str, float]] = {}
    for call in dict.fromkeys(pattern.call for pattern in patterns()):
        own = [set(_WORD.findall(_NAMED.sub(" ", one.expression.pattern))) for one in patterns() if one.call == call]
        counts = Counter(word for words in own for word in words)
        shares[call] = {word: count / len(own) for word, count in counts.items()}
    totals: defaultdict[str, float] = defaultdict(float)
    for share in shares.values():
        for word, part in share.items():
            totals[word] += part
    return {
        call: {word: math.sqrt(part) * part / totals[word] * 4 for word, part in share.items()}
        for call, share in shares.items()
    }
