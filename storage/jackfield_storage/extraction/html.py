"""Web pages, told by their name or by how they begin."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from jackfield.contracts.files import Extracted
from jackfield_storage.extraction.decoding import decoded, looks_like_text
from jackfield_storage.extraction.reader_process import ReaderProcess

SUFFIXES = frozenset({".html", ".htm", ".xhtml", ".shtml"})
OPENING = re.compile(
    rb"\s*+(?:<!--[^>]*+>\s*+|<\?xml[^>]*+>\s*+)*+<(?:!doctype html|html|head|body)[\s>]", re.IGNORECASE
)
CHARSET = re.compile(rb"<meta[^>]+charset\s*=\s*[\"']?([\w-]+)", re.IGNORECASE)
DECLARED_WITHIN = 2048
"""Bytes in which a page may say what its encoding is."""


class HtmlExtractor:
    """HTML, read in a process of its own, since a page can be written so that parsing it takes very long."""

    name = "html"
    version = 1
    quick = False

    def __init__(self, reader: ReaderProcess) -> None:
        self._reader = reader

    def claims(self, filename: str, head: bytes) -> bool:
        suffix = PurePosixPath(filename).suffix.lower()
        return looks_like_text(head) and (suffix in SUFFIXES or (not suffix and OPENING.match(head) is not None))

    def extract(self, data: bytes, *, filename: str) -> Extracted:
        page = _declared(data) or decoded(data, filename=filename)[0]
        if not page.strip():
            return Extracted(text="", kind="markdown")
        text = self._reader.read("html", page.encode(errors="replace"), filename=filename)
        return Extracted(text=text, kind="markdown")

    def close(self) -> None:
        """End the process that reads."""
        self._reader.close()


def _declared(data: bytes) -> str | None:
    """The page in the encoding that it names, if it holds to that."""
    named = CHARSET.search(data, 0, DECLARED_WITHIN)
    try:
        return data.decode(named[1].decode()) if named else None
    except (LookupError, UnicodeDecodeError):
        return None
