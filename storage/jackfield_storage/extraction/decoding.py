"""Bytes as text, whatever their encoding."""

from __future__ import annotations

import codecs
import re

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
"""Bytes that an unknown encoding is told from, beginning with the line of the first that is not UTF-8."""
CONTROL = bytes({*range(32), 127} - set(b"\t\n\f\r\x1b\b"))
"""Bytes that no text has, in any encoding that keeps ASCII where it is."""

LATIN = ("cp1252", "cp1250")
OTHER_SCRIPTS = (
    *("cp1251", "koi8_r", "gb18030", "cp932", "euc_jp", "big5", "cp949", "cp1253", "cp1255", "cp1256"),
    *("cp874", "cp1254", *LATIN),
)
"""Encodings that files without a mark are in, by what is likeliest."""
HIGH_BYTES = re.compile(rb"[\x80-\xff]+")


def looks_like_text(head: bytes) -> bool:
    """Whether a file's first bytes can be text's."""
    return _mark(head) is not None or head == head.translate(None, CONTROL)


def decoded(data: bytes, *, filename: str) -> tuple[str, bool]:
    """The text, and whether its UTF-8 is the bytes themselves; raises FileUnreadable."""
    text, own = _decoded(data, filename)
    if "\0" in text:
        raise FileUnreadable(
            f"'{filename}' is no text file, since its character {text.index(chr(0)) + 1:,} is NUL; "
            "remove that, or keep the file as it is and unread."
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
    """Of those that are in use: a detector that may answer any encoding often takes a short text for a rare one's."""
    from charset_normalizer import from_bytes

    sample = _odd_words(data, first_odd)
    candidates = LATIN if _few_accents(sample) else OTHER_SCRIPTS
    matches = from_bytes(sample, cp_isolation=list(candidates))
    if not matches:
        raise FileUnreadable(
            f"'{filename}' is in no encoding that could be told (byte {first_odd:,} is not UTF-8). Save it as UTF-8."
        )
    fits = {
        candidate: _fit(match.chaos, match.coherence)
        for match in matches
        for candidate in match.could_be_from_charset
        if candidate in candidates
    }
    return min(fits, key=lambda candidate: (fits[candidate], candidates.index(candidate)))


def _fit(chaos: float, coherence: float) -> tuple[float, float]:
    """How odd a text is, then how unlike every language; rounded, so that next to nothing decides nothing."""
    return round(chaos, 2), -round(coherence, 1)


def _odd_words(data: bytes, first_odd: int) -> bytes:
    """The words that are not ASCII, of which there may be few among many that tell nothing."""
    start = max(data.rfind(b"\n", 0, first_odd), first_odd - SAMPLE // 4, 0)
    end = data.find(b"\n", start + SAMPLE, start + 2 * SAMPLE)
    words = data[start : end if end > 0 else start + SAMPLE].split()
    return b" ".join(word for word in words if not word.isascii())


def _few_accents(sample: bytes) -> bool:
    """Whether letters beyond ASCII stand alone among others, as in no script but the Latin one."""
    runs = HIGH_BYTES.findall(sample)
    return sum(len(run) == 1 for run in runs) > 0.6 * len(runs)
