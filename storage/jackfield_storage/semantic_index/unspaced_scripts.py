"""Scripts that part no words: each of their signs is a word of the full text, and what is looked for are pairs."""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise

_SIGNS = (
    "\u3005-\u3007"  # ideographic iteration marks and zero
    "\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\uff66-\uff9f"  # kana
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Han
    "\uac00-\ud7a3"  # Hangul, which parts phrases only
)
_SIGN = re.compile(f"[{_SIGNS}]")
_RUNS = re.compile(f"([{_SIGNS}]+)")


def has_signs(text: str) -> bool:
    """Whether any of a text is written in such a script."""
    return not text.isascii() and _SIGN.search(text) is not None


def spaced(text: str) -> str:
    """A text as full text takes it, with each sign between spaces."""
    return _SIGN.sub(r" \g<0> ", unicodedata.normalize("NFC", text)) if has_signs(text) else text


def looked_for(word: str) -> list[str]:
    """What of a word is looked for: of runs of signs each two that follow each other, and what is between runs."""
    if not has_signs(word):
        return [word]
    found: list[str] = []
    for part in filter(None, _RUNS.split(word)):
        several = len(part) > 2 and has_signs(part)
        found += ["".join(pair) for pair in pairwise(part)] if several else [part]
    return found
