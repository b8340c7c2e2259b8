"""What a file is called that is put beside another, because both were changed."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import PurePosixPath

MARK = " (conflict, "
LONGEST_NAME = 255
"""Bytes that a name may have on the usual file systems."""


def aside_path(path: str, who: str, when: datetime, number: int = 1) -> str:
    """`notes/a.md` as `notes/a (conflict, WHO, 2026-11-21 14.02).md`; later numbers for names that are taken."""
    place = PurePosixPath(path)
    label = re.sub(r'[/\\:*?"<>|\x00-\x1f]', "-", who)[:40] or "somebody"
    again = f" {number}" if number > 1 else ""
    mark = f"{MARK}{label}, {when:%Y-%m-%d %H.%M}){again}"
    room = LONGEST_NAME - len((mark + place.suffix).encode())
    stem = place.stem.encode()[: max(room, 1)].decode(errors="ignore")
    return str(place.with_name(f"{stem}{mark}{place.suffix}"))


def is_aside_of(path: str, other: str) -> bool:
    """Whether `other` was put beside `path`."""
    place, aside = PurePosixPath(path), PurePosixPath(other)
    named_so = aside.name.startswith(place.stem + MARK) and aside.name.endswith(place.suffix)
    return place.parent == aside.parent and named_so
