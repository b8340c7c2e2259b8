"""Marks: single characters that stand for what was quoted, a path, a time, a version, or a length of time.

They are of the private use area, so that nothing in a mark is taken for a word.
"""

from __future__ import annotations

import re

import msgspec

from jackfield.files.words.steps import Version

BLOCK = 0x100
FIRST = 0xE000
QUOTES, PATHS, TIMES, VERSIONS, DURATIONS = (
    f"{chr(FIRST + index * BLOCK)}-{chr(FIRST + (index + 1) * BLOCK - 1)}" for index in range(5)
)
"""Ranges of characters, as they stand in a regular expression's class."""
ANY = f"{chr(FIRST)}-{chr(FIRST + 5 * BLOCK - 1)}"


class Mark(msgspec.Struct, frozen=True):
    """What stands in the place of some words: those words, and for versions what they mean."""

    said: str
    version: Version | None = None


class Marked(msgspec.Struct, frozen=True):
    """Plain words, each with one space behind it, and what its marks stand for."""

    text: str
    marks: dict[str, Mark]

    def spoken(self, text: str) -> str:
        """Some of the plain words with all marks as they were said."""
        said = " ".join(text.split())
        while re.search(f"[{ANY}]", said):
            said = re.sub(f"[{ANY}]", lambda found: self.marks[found[0]].said, said)
        return said
