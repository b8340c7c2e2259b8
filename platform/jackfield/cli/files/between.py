"""What others wrote to a file while a command was reading what it is to write."""

from __future__ import annotations

from jackfield.cli.files.sentences import cell
from jackfield.contracts.files import Written
from jackfield.errors import FileNotThere
from jackfield.files.open_collection import OpenCollection


async def newest_version(opened: OpenCollection, path: str) -> int:
    """The number that a file stands at, also one that is deleted; 0 for none."""
    try:
        return (await opened.look(path, deleted=True)).version
    except FileNotThere:
        return 0


def came_between(before: int, written: Written) -> str | None:
    """Which versions, since the one `before`, were written over unseen; all of them are kept."""
    if not written.changed or written.over <= before:
        return None
    path, first, last = cell(written.file.path), before + 1, written.over
    which = f"Version {last} of '{path}'" if first == last else f"Versions {first} to {last} of '{path}'"
    return (
        f"{which} came in between and {'is' if first == last else 'are'} kept; "
        f"`jackfield files diff {path} {last} {written.version.number}` shows what yours changed."
    )
