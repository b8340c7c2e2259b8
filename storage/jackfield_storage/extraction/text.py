"""Files that are text as they stand: Markdown, and whatever else reads as text."""

from __future__ import annotations

from pathlib import PurePosixPath

from jackfield.contracts.files import Extracted
from jackfield_storage.extraction.decoding import decoded, looks_like_text

MARKDOWN_SUFFIXES = frozenset({".md", ".markdown", ".mdown", ".mkd", ".mdx", ".qmd", ".rmd"})


class MarkdownExtractor:
    """Markdown, told by its name."""

    name = "markdown"
    version = 1
    quick = True

    def claims(self, filename: str, head: bytes) -> bool:
        return PurePosixPath(filename).suffix.lower() in MARKDOWN_SUFFIXES and looks_like_text(head)

    def extract(self, data: bytes, *, filename: str) -> Extracted:
        text, own = decoded(data, filename=filename)
        return Extracted(text=text, kind="markdown", own=own)


class TextExtractor:
    """Everything that reads as text and that nobody else knows better."""

    name = "text"
    version = 1
    quick = True

    def claims(self, filename: str, head: bytes) -> bool:
        return looks_like_text(head)

    def extract(self, data: bytes, *, filename: str) -> Extracted:
        text, own = decoded(data, filename=filename)
        return Extracted(text=text, kind="text", own=own)
