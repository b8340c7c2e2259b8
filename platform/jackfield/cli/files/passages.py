"""Passages that were found, as they are shown: where each is, and what it says around the words looked for."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

import click

from jackfield.cli.files.sentences import cell
from jackfield.contracts.files import Found

LINES = 3
"""Of a passage, on a terminal."""
WORD = re.compile(r"\w+")
COMMON = frozenset(
    {
        *("a", "an", "and", "are", "as", "at", "be", "by", "do", "does", "for", "from", "has", "have", "how", "in"),
        *("is", "it", "its", "not", "of", "on", "or", "that", "the", "their", "this", "to", "was", "were", "what"),
        *("when", "where", "which", "who", "why", "will", "with"),
    }
)
ELLIPSIS = "…"
WORD_LETTERS = 4
"""Letters from which on the beginning of a longer word counts as that word: `backup` in `backups`."""


def words_of(text: str) -> frozenset[str]:
    """The words of a question that are worth marking."""
    words = {word.casefold() for word in WORD.findall(text)}
    return frozenset((words - COMMON) or words)


def place(found: Found) -> str:
    """Path, version, heading and span, in one line."""
    path = click.style(cell(found.path), fg="cyan", bold=True)
    heading = f" · {cell(found.heading)}" if found.heading else ""
    return f"{path}{heading} {click.style(f'· version {found.version}, bytes {found.start}-{found.end}', dim=True)}"


def snippet(text: str, words: Collection[str], columns: int) -> Sequence[str]:
    """A few lines of a passage where most of the words are, each word marked."""
    joined = cell(" ".join(text.split()))
    start, end = _window(joined, words, LINES * columns)
    shown = (ELLIPSIS if start else "") + joined[start:end] + (ELLIPSIS if end < len(joined) else "")
    return [marked(line, words) for line in _wrapped(shown, columns)]


def marked(text: str, words: Collection[str]) -> str:
    """Text whose words among those are bold."""
    return WORD.sub(lambda found: click.style(found[0], bold=True) if _is_one_of(found[0], words) else found[0], text)


def _is_one_of(word: str, words: Collection[str]) -> bool:
    said = word.casefold()
    return said in words or any(
        min(len(said), len(one)) >= WORD_LETTERS and (said.startswith(one) or one.startswith(said)) for one in words
    )


def _window(text: str, words: Collection[str], length: int) -> tuple[int, int]:
    """From where to where most of the words are, in whole words."""
    length -= 2 * len(ELLIPSIS)
    if len(text) <= length:
        return 0, len(text)
    hits = [found.start() for found in WORD.finditer(text) if _is_one_of(found[0], words)]
    first = max(hits, key=lambda at: (sum(at <= other < at + length * 3 // 4 for other in hits), -at), default=0)
    start = max(0, min(first - length // 8, len(text) - length))
    start = text.find(" ", start) + 1 if start else 0
    end = min(len(text), start + length)
    return start, end if end == len(text) else max(text.rfind(" ", start, end), start + 1)


def _wrapped(text: str, columns: int) -> list[str]:
    import textwrap

    return textwrap.wrap(text, columns, break_long_words=True, break_on_hyphens=False)
