"""Which numbers versions have that were named by how far back they are, or by a time."""

from __future__ import annotations

from collections.abc import Sequence

from jackfield.contracts.files import FileVersion, Point
from jackfield.errors import VersionNotFound
from jackfield.files.difference import version_at
from jackfield.files.open_collection import OpenCollection
from jackfield.files.words.steps import Version


async def version_number(opened: OpenCollection, path: str, version: Version, *, compared: bool = False) -> int:
    """The version that is meant of a file as it stands; `compared` with one before its first means that one.

    Raises FileNotThere or VersionNotFound.
    """
    history = await opened.history(path)
    if version.back is None:
        try:
            return version_at(history, path, Point(number=version.number, at=version.at)).number
        except VersionNotFound:
            if compared and version.at is not None:
                return history[0].number
            raise
    texts = _texts_of(history)
    if version.back >= len(texts):
        held = "one text" if len(texts) == 1 else f"{len(texts)} texts one after the other"
        raise VersionNotFound(
            f"'{path}' has had {held} in all its versions, and none {version.back} before the newest.",
            parameter="words",
        )
    return texts[-1 - version.back].number


def _texts_of(history: Sequence[FileVersion]) -> list[FileVersion]:
    """The last version of each run of equal bytes: deletions, undeletions and renames change no text."""
    following = [*history[1:], None]
    return [one for one, after in zip(history, following, strict=True) if after is None or after.digest != one.digest]
