"""Which kind of Office document an archive is, told without unpacking it."""

from __future__ import annotations

from io import BytesIO
from zipfile import ZipFile

from jackfield_storage.extraction.orders import State

PARTS = {"word/": ".docx", "xl/": ".xlsx", "ppt/": ".pptx"}
MOST_MEMBERS = 10_000
MOST_UNPACKED = 1 << 30
SUSPICIOUS_RATIO = 200
SMALL = 32 << 20
"""Bytes that an archive may unpack to whatever its ratio."""
ENCRYPTED = 1


class Refused(Exception):
    """A document is not opened, for a reason."""

    def __init__(self, state: State, detail: str = "") -> None:
        super().__init__(detail)
        self.state = state
        self.detail = detail


def office_suffix(data: bytes) -> str:
    """Raises Refused for bombs, other archives and encrypted ones, BadZipFile for one that is damaged."""
    with ZipFile(BytesIO(data)) as archive:
        members = archive.infolist()
    unpacked = sum(member.file_size for member in members)
    if len(members) > MOST_MEMBERS or unpacked > MOST_UNPACKED or unpacked > max(SMALL, SUSPICIOUS_RATIO * len(data)):
        raise Refused("bomb", f"{unpacked >> 20:,} MB in {len(members):,} parts")
    if any(member.flag_bits & ENCRYPTED for member in members):
        raise Refused("password")
    for part, suffix in PARTS.items():
        if any(member.filename.startswith(part) for member in members):
            return suffix
    raise Refused("archive")
