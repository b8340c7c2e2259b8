"""Files that are text as they stand: Markdown, rows of values, code, and whatever else reads as text."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from jackfield.contracts.files import Extracted
from jackfield_storage.extraction.decoding import decoded, looks_like_text
from jackfield_storage.extraction.languages import language_of

MARKDOWN_SUFFIXES = frozenset({".md", ".markdown", ".mdown", ".mkd", ".mdx", ".qmd", ".rmd"})
TABLE_SUFFIXES = {".csv": "csv", ".tsv": "tsv", ".tab": "tsv"}
LOG_SUFFIXES = frozenset({".log", ".jsonl", ".ndjson", ".out", ".err"})
MARKDOWN_LINE = re.compile(rb"^(?:#{1,6} \S|```|[-=]{4,}$)", re.MULTILINE)
RICH_TEXT = b"{\\rtf"


class MarkdownExtractor:
    """Markdown, told by its suffix, or by its headings where there is none."""

    name = "markdown"
    version = 1
    quick = True

    def claims(self, filename: str, head: bytes) -> bool:
        suffix = _suffix(filename)
        marked = suffix in MARKDOWN_SUFFIXES or (not suffix and _reads_as_markdown(filename, head))
        return marked and looks_like_text(head)

    def extract(self, data: bytes, *, filename: str) -> Extracted:
        text, own = decoded(data, filename=filename)
        return Extracted(text=text, kind="markdown", own=own)


class TableExtractor:
    """Rows of values with separators between them."""

    name = "table"
    version = 1
    quick = True

    def claims(self, filename: str, head: bytes) -> bool:
        return _suffix(filename) in TABLE_SUFFIXES and looks_like_text(head)

    def extract(self, data: bytes, *, filename: str) -> Extracted:
        text, own = decoded(data, filename=filename)
        return Extracted(text=text, kind="table", language=TABLE_SUFFIXES.get(_suffix(filename), ""), own=own)


class CodeExtractor:
    """Source code, configuration and markup, told by suffix, name or first line."""

    name = "code"
    version = 1
    quick = True

    def claims(self, filename: str, head: bytes) -> bool:
        lined = _suffix(filename) in LOG_SUFFIXES
        return not lined and bool(language_of(filename, head)) and looks_like_text(head)

    def extract(self, data: bytes, *, filename: str) -> Extracted:
        text, own = decoded(data, filename=filename)
        return Extracted(text=text, kind="code", language=language_of(filename, data[:4096]), own=own)


class TextExtractor:
    """Everything that reads as text and that nobody else knows better."""

    name = "text"
    version = 1
    quick = True

    def claims(self, filename: str, head: bytes) -> bool:
        return looks_like_text(head) and not head.startswith(RICH_TEXT)

    def extract(self, data: bytes, *, filename: str) -> Extracted:
        text, own = decoded(data, filename=filename)
        return Extracted(text=text, kind="text", language="log" if _suffix(filename) in LOG_SUFFIXES else "", own=own)


def _suffix(filename: str) -> str:
    return PurePosixPath(filename).suffix.lower()


def _reads_as_markdown(filename: str, head: bytes) -> bool:
    return not language_of(filename, head) and len(MARKDOWN_LINE.findall(head)) >= 2
