"""What a file is when it is not text."""

from __future__ import annotations

import codecs
import mimetypes

from jackfield.quantities import readable_bytes

SIGNATURES = {
    b"%PDF-": "a PDF document",
    b"PK\x03\x04": "a ZIP archive or an office document",
    b"\x1f\x8b": "gzip-compressed data",
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"GIF8": "a GIF image",
    b"SQLite format 3\0": "an SQLite database",
    b"\x7fELF": "a program or library",
    b"GGUF": "a GGUF model",
    codecs.BOM_UTF16_LE: "text in UTF-16, which cannot be read here",
    codecs.BOM_UTF16_BE: "text in UTF-16, which cannot be read here",
}
MOST_ODD = 0.1
"""Share of control characters from which data is no text."""
CONTROL = bytes(set(range(32)) - set(b"\t\n\r\f\b\x1b"))


def is_text(head: bytes) -> bool:
    """Whether a file that begins so is text; one zero byte is enough to say no."""
    if b"\0" in head or head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return False
    return len(head) - len(head.translate(None, CONTROL)) <= MOST_ODD * len(head)


def description(path: str, head: bytes, size: int) -> str:
    """A sentence on a file that is no text."""
    for signature, kind in SIGNATURES.items():
        if head.startswith(signature):
            return f"'{path}' is {kind} ({readable_bytes(size)}), not plain text."
    guessed = mimetypes.guess_type(path)[0]
    kind = f"binary data, by its name {guessed}" if guessed else "binary data"
    return f"'{path}' is {kind} ({readable_bytes(size)}), not plain text."
