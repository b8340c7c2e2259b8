"""The functions, classes and other named blocks of source code, found by its indentation.

Lines are looked at, not syntax: code that does not compile, or is of another version of its language, is cut all the
same, and an edit that breaks it does not move every cut.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import chain, islice

import msgspec

from jackfield_storage.chunking.languages import Language, language_named

LOOKED_AT = 300
"""Characters of a line that can name something."""
DEEPEST = 16
"""Blocks within blocks that have names."""
CLOSES = re.compile(r"[)\]}]")
GOES_ON = re.compile(
    r"[)\]}{]|#[ \t]*(?:if|ifdef|ifndef|elif|else|endif)\b|(?:public|private|protected|default|signals)[ \t\w]*:"
    r"|(?:end|fi|done|esac|else|begin|ensure|rescue)\b(?![ \t]*[=.(\[])"
)
"""What starts a line that belongs to the block above it, though it is indented no more."""
LEADS = re.compile(r"//|/\*|\*|@|#\[|--|;|template\b")
"""What starts a comment or an annotation of what follows."""
ANNOTATES = re.compile(r"@|#\[|template\b")
QUOTED = re.compile(
    r'''"""(?:[^"\\]|\\.|"(?!""))*+"""|"(?:[^"\\\n]|\\.)*+"'''
    r"""|'''(?:[^'\\]|\\.|'(?!''))*+'''|'(?:[^'\\\n]|\\.)*+'|#[^\n]*+""",
    re.DOTALL,
)


class Definition(msgspec.Struct):
    """A named block from its comments and annotations to before the line behind it; names have dots between them."""

    start: int
    end: int
    name: str
    indent: int


class _Line(msgspec.Struct, frozen=True):
    at: int
    indent: int
    body: str
    next_body: str


def definitions(text: str, language: str) -> list[Definition]:
    """In the order in which they start; outer ones before those in them."""
    known = language_named(language)
    return _Reader(text, known).definitions() if known else []


class _Reader:
    """Goes through the lines once, with the blocks open that the line may be in."""

    def __init__(self, text: str, language: Language) -> None:
        self._text = text
        self._language = language
        self._goes_on = CLOSES if language.quotes_lines else GOES_ON
        self._open: list[Definition] = []
        self._found: list[Definition] = []
        self._lead: _Line | None = None

    def definitions(self) -> list[Definition]:
        """All of them."""
        for line in _lines(self._text, _quoted_lines(self._text) if self._language.quotes_lines else ()):
            if self._leads(line):
                if self._lead is None or self._lead.indent != line.indent:
                    self._lead = line
            else:
                self._read(line)
        while self._open:
            self._open.pop().end = len(self._text)
        return self._found

    def _leads(self, line: _Line) -> bool:
        return bool(LEADS.match(line.body)) or (self._language.hash_comments and line.body.startswith("#"))

    def _read(self, line: _Line) -> None:
        lead = self._lead if self._lead and self._lead.indent == line.indent else None
        if self._goes_on.match(line.body):
            self._close(line.indent + 1, line.at)
        else:
            self._close(line.indent, lead.at if lead else line.at)
            if len(self._open) < DEEPEST and (name := self._language.name_in(line.body[:LOOKED_AT], line.next_body)):
                self._define(name, line, lead.at if lead else line.at)
        if not self._within_annotation(line):
            self._lead = None

    def _within_annotation(self, line: _Line) -> bool:
        """Whether it goes on what was annotated, over several lines."""
        lead = self._lead
        if lead is None or not ANNOTATES.match(lead.body):
            return False
        return line.indent > lead.indent or bool(CLOSES.match(line.body))

    def _close(self, indent: int, at: int) -> None:
        while self._open and self._open[-1].indent >= indent:
            self._open.pop().end = at

    def _define(self, name: str, line: _Line, start: int) -> None:
        within = f"{self._open[-1].name}." if self._open else ""
        found = Definition(start, len(self._text), within + name, line.indent)
        self._found.append(found)
        self._open.append(found)


def _lines(text: str, quoted: Sequence[int]) -> Iterator[_Line]:
    """Those that are not empty and do not start within a string."""
    at = 0
    rows = text.split("\n")
    for row, following in zip(rows, chain(islice(rows, 1, None), ("",)), strict=True):
        body = row.lstrip()
        if body and not (quoted and _is_quoted(quoted, at)):
            indent = len(row[: len(row) - len(body)].expandtabs(4))
            yield _Line(at, indent, body, following.lstrip())
        at += len(row) + 1


def _quoted_lines(text: str) -> list[int]:
    """Where strings of several lines start and end, alternately."""
    places: list[int] = []
    for match in QUOTED.finditer(text):
        if "\n" in match[0]:
            places += match.span()
    return places


def _is_quoted(places: Sequence[int], at: int) -> bool:
    return bisect_right(places, at) % 2 == 1
