"""What differs between two versions of a file."""

from __future__ import annotations

import asyncio
import difflib
import re
from collections.abc import Iterator
from datetime import datetime

import msgspec

from jackfield.contracts.files import FileVersion, Point
from jackfield.errors import FileUnreadable, VersionNotFound
from jackfield.files.open_collection import OpenCollection

CONTEXT = 3
"""Equal lines around each difference."""
LINE = re.compile(r"[^\n]*\n|[^\n]+")
MOST_LINES = 20_000
"""Between the first and the last line that differ: comparing more could take minutes."""


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """Two versions, and their texts' unified difference, which is empty where they are equal.

    `reason` says why there is none: no text could be got out of one of them, or they are too long.
    """

    path: str
    old: FileVersion
    new: FileVersion
    unified: str | None
    reason: str = ""

    @property
    def same_bytes(self) -> bool:
        """Whether the versions are the same to the last byte."""
        return self.old.digest == self.new.digest


async def difference(
    collection: OpenCollection, path: str, old: Point | None = None, new: Point | None = None
) -> Difference:
    """Between two versions: the newest, unless `new` says another, and the last before it with other bytes.

    Raises FileNotThere or VersionNotFound.
    """
    history = await collection.history(path)
    after = version_at(history, path, new) if new else history[-1]
    before = version_at(history, path, old) if old else _one_before(history, path, after)
    try:
        texts = [await collection.text(path, Point(number=one.number)) for one in (before, after)]
    except FileUnreadable as error:
        return Difference(path=path, old=before, new=after, unified=None, reason=error.message)
    names = (f"{path} (version {before.number})", f"{path} (version {after.number})")
    compared = await asyncio.to_thread(unified, *texts, names=names)
    reason = "" if compared is not None else f"More than {MOST_LINES:,} lines lie between what differs."
    return Difference(path=path, old=before, new=after, unified=compared, reason=reason)


def version_at(history: tuple[FileVersion, ...], path: str, point: Point) -> FileVersion:
    """The version that is meant, of a history that begins with the oldest; raises VersionNotFound."""
    if point.number is not None:
        found = [version for version in history if version.number == point.number]
        if not found:
            listed = f"1 to {history[-1].number}" if history[-1].number > 1 else "only 1"
            raise VersionNotFound(f"'{path}' has no version {point.number}; it has {listed}.", parameter="version")
        return found[0]
    if point.at is None:
        return history[-1]
    there = [version for version in history if version.written_at <= point.at]
    if not there:
        raise VersionNotFound(
            f"'{path}' was not there yet at {_said(point.at)}; it was first written at {_said(history[0].written_at)}.",
            parameter="at",
        )
    return there[-1]


def unified(old: str, new: str, *, names: tuple[str, str]) -> str | None:
    """A unified difference, each line with its own end; None where comparing would take too long."""
    before, after = LINE.findall(old), LINE.findall(new)
    first = next((at for at, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), None)
    if first is None:
        first = min(len(before), len(after))
    if max(len(before), len(after)) - first - _equal_at_the_end(before, after, first) > MOST_LINES:
        return None
    return "".join(_marked(difflib.unified_diff(before, after, *names, n=CONTEXT)))


def _equal_at_the_end(before: list[str], after: list[str], first: int) -> int:
    most = min(len(before), len(after)) - first
    pairs = zip(reversed(before), reversed(after), strict=False)
    return next((at for at, (a, b) in enumerate(pairs) if a != b or at >= most), most)


def _marked(lines: Iterator[str]) -> Iterator[str]:
    """A last line without a line break says so, as diff and git do."""
    for line in lines:
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _one_before(history: tuple[FileVersion, ...], path: str, version: FileVersion) -> FileVersion:
    """The last with other bytes, for a new name or a deletion changes nothing in the file; else the last."""
    earlier = [one for one in history if one.number < version.number]
    if not earlier:
        raise VersionNotFound(f"'{path}' has no version before {version.number} to compare with.")
    others = [one for one in earlier if one.digest != version.digest and one.action != "deleted"]
    return (others or earlier)[-1]


def _said(at: datetime) -> str:
    return at.astimezone().strftime("%Y-%m-%d %H:%M")
