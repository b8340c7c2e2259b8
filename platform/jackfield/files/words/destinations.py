"""Where files go that are renamed, moved, copied or made."""

from __future__ import annotations

from collections.abc import Sequence
from posixpath import basename, splitext
from posixpath import dirname as folder_of

from jackfield.errors import InvalidRequest
from jackfield.files.words.resolving import Shelf, Target


def destination(path: str, new: str, shelf: Shelf, *, out_of: str = "") -> str:
    """Where a file goes: into a folder under its name; else beside where it was, with its ending if none was said.

    A folder's files keep where they are in it: `out_of` is its path.
    """
    if new.endswith("/"):
        folder = new.rstrip("/")
        known = {folder_of(one) for one in shelf.there}
        folder = next((one for one in known if one.casefold() == folder.casefold()), folder)
        inside = path[len(out_of) :].startswith("/") and path.casefold().startswith(out_of.casefold())
        return f"{folder}/{path[len(out_of) + 1 :] if out_of and inside else basename(path)}"
    if not splitext(new)[1]:
        new += splitext(path)[1]
    return new if "/" in new or not folder_of(path) else f"{folder_of(path)}/{new}"


def check_apart(files: Sequence[Target], new: Sequence[str]) -> None:
    """Raises InvalidRequest where two files would go to one path."""
    sources: dict[str, str] = {}
    for file, path in zip(files, new, strict=True):
        if (other := sources.setdefault(path.casefold(), file.path)) != file.path:
            raise InvalidRequest(
                f"'{other}' and '{file.path}' would both be '{path}'; name another.", parameter="words"
            )


def free_path(path: str, shelf: Shelf) -> str:
    """The path, or one like it that is not taken."""
    base, ending = splitext(path)
    number = 2
    while path in shelf.there:
        path = f"{base}-{number}{ending}"
        number += 1
    return path


def slug(topic: str) -> str:
    """A topic as the name of a file."""
    return (
        "-".join("".join(letter if letter.isalnum() else " " for letter in topic.casefold()).split())[:60] or "joined"
    )
