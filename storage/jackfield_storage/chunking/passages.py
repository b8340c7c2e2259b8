"""A text's passages, by what kind of text it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from jackfield.contracts.files import Extracted
from jackfield_storage.chunking.code import code_sections
from jackfield_storage.chunking.cutting import spans_of
from jackfield_storage.chunking.markdown import markdown_sections
from jackfield_storage.chunking.plain_text import plain_sections
from jackfield_storage.chunking.sections import Section, heading_at
from jackfield_storage.chunking.tables import table_sections


class Cut(msgspec.Struct, frozen=True, kw_only=True):
    """A passage: `text` is exactly what stands from byte `start` to before byte `end` of the text's UTF-8.

    `heading` is where it stands, such as "Budget > Travel", and is no part of it.
    """

    start: int
    end: int
    heading: str
    text: str


def passages_of(extracted: Extracted) -> tuple[Cut, ...]:
    """In order; every character but white space is in exactly one. Linear in the text's length.

    An edit changes the passages about it and a few behind them; those far away stay what they are.
    """
    return tuple(_cuts(extracted.text, _sections(extracted)))


def _sections(extracted: Extracted) -> Iterable[Section]:
    match extracted.kind:
        case "markdown":
            return markdown_sections(extracted.text)
        case "code":
            return code_sections(extracted.text, extracted.language)
        case "table":
            return table_sections(extracted.text)
        case "text":
            return plain_sections(extracted.text, lined=extracted.language == "log")


def _cuts(text: str, sections: Iterable[Section]) -> Iterator[Cut]:
    """Byte offsets are counted as it goes, since only the characters between two passages have to be encoded."""
    plain = text.isascii()
    at = byte = 0
    for section in sections:
        for start, end in spans_of(text, section):
            passage = text[start:end]
            first = start if plain else byte + len(text[at:start].encode())
            at, byte = end, end if plain else first + len(passage.encode())
            yield Cut(start=first, end=byte, heading=heading_at(section, start), text=passage)
