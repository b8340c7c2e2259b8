"""Bytes as text, whatever their encoding."""

from __future__ import annotations

import codecs

from jackfield.errors import FileUnreadable

BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
"""Longer ones first where one begins with another."""
SAMPLE = 64 * 1024
"""Bytes that an unknown encoding is told from, beginning a little before the first that is not UTF-8."""
CONTROL = bytes({*range(32), 127} - set(b"\t\n\f\r\x1b\b"))
"""Bytes that no text has, in any encoding that keeps ASCII where it is."""


def looks_like_text(head: bytes) -> bool:
    """Whether a file's first bytes can be text's."""
    return _mark(head) is not None or head == head.translate(None, CONTROL)


def decoded(data: bytes, *, filename: str) -> tuple[str, bool]:
    """The text, and whether its UTF-8 is the bytes themselves; raises FileUnreadable."""
    text, own = _decoded(data, filename)
    if "\0" in text:
        raise FileUnreadable(
            f"'{filename}' has a NUL character (the {text.index(chr(0)) + 1:,}th), so it is no text file; "
            "remove it, or keep the file as it is and unread."
        )
    return text, own


def _decoded(data: bytes, filename: str) -> tuple[str, bool]:
    if marked := _mark(data):
        mark, encoding = marked
        return _as(encoding, data[len(mark) :], filename, "whose byte order mark it starts with"), False
    try:
        return data.decode(), True
    except UnicodeDecodeError as error:
        encoding = _guessed_encoding(data, error.start, filename)
        return _as(encoding, data, filename, "which it seemed to be"), False


def _mark(data: bytes) -> tuple[bytes, str] | None:
    return next(((mark, name) for mark, name in BYTE_ORDER_MARKS if data.startswith(mark)), None)


def _as(encoding: str, data: bytes, filename: str, why: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise FileUnreadable(
            f"'{filename}' is not in {encoding}, {why}: byte {error.start:,} does not fit. Save it as UTF-8."
        ) from error


def _guessed_encoding(data: bytes, first_odd: int, filename: str) -> str:
    from charset_normalizer import from_bytes

    start = max(0, first_odd - SAMPLE // 4)
    best = from_bytes(data[start : start + SAMPLE]).best()
    if best is None:
        raise FileUnreadable(
            f"'{filename}' is in no encoding that could be told (byte {first_odd:,} is not UTF-8). Save it as UTF-8."
        )
    return best.encoding
