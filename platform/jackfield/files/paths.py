"""Paths and names in collections: the one form they have, and what none may hold."""

from __future__ import annotations

import re
import unicodedata

from jackfield.errors import InvalidRequest

LONGEST = 1024
LONGEST_PART = 255
"""Bytes of UTF-8."""

SHOWN = 100
"""Characters of a bad path that an error says back."""

_DIRECTIONS = {*map(chr, range(0x202A, 0x202F)), *map(chr, range(0x2066, 0x206A))}
"""They let a path read otherwise than it is."""
_NAME = re.compile(r"\w[\w .@+-]{0,99}(?<! )(?<!\.)")


def checked_path(path: str, *, parameter: str = "path") -> str:
    """A path in composed form (NFC); raises InvalidRequest that says what is wrong with it."""
    path = _encodable(path, parameter)
    fault = _fault(path)
    if fault:
        raise InvalidRequest(
            f"{_shown(path)} {fault}; a path is relative, with '/' between its parts, such as 'notes/budget.md'.",
            parameter=parameter,
        )
    return path


def checked_folder(path: str, *, parameter: str = "under") -> str:
    """A path that files are below, without a `/` at its end; empty for all of a collection."""
    path = path.removesuffix("/")
    return checked_path(path, parameter=parameter) if path else ""


def path_key(path: str) -> str:
    """What paths have in common that differ only in case."""
    return unicodedata.normalize("NFC", path.casefold())


def parents(path: str) -> tuple[str, ...]:
    """The folders that a path is in, the outermost first."""
    parts = path.split("/")
    return tuple("/".join(parts[:count]) for count in range(1, len(parts)))


def checked_collection_name(name: str) -> str:
    """A name for a collection, in composed form; raises InvalidRequest."""
    name = _encodable(name, "collection")
    if not _NAME.fullmatch(name):
        raise InvalidRequest(
            f"{_shown(name)} is no name for a collection; use up to 100 letters, digits, spaces and any of . _ - + @, "
            "with a letter or digit first, and no space or dot at the end.",
            parameter="collection",
        )
    return name


def _encodable(text: str, parameter: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidRequest(f"{_shown(text)} is not valid Unicode; rename it first.", parameter=parameter) from error
    return unicodedata.normalize("NFC", text)


def _shown(text: str) -> str:
    """Enough of it to know it again."""
    return repr(text if len(text) <= SHOWN else f"{text[:SHOWN]}…")


def _fault(path: str) -> str | None:
    if not path:
        return "is empty"
    if path.startswith("/") or re.match(r"[A-Za-z]:[/\\]", path):
        return "is absolute"
    if "\\" in path:
        return "has a '\\'"
    if len(path.encode()) > LONGEST:
        return f"is longer than {LONGEST:,} bytes"
    return next((fault for part in path.split("/") if (fault := _fault_of_part(part))), None)


def _fault_of_part(part: str) -> str | None:
    if not part:
        return "has an empty part"
    if part in {".", ".."}:
        return f"has a part '{part}'"
    if len(part.encode()) > LONGEST_PART:
        return f"has a part longer than {LONGEST_PART} bytes"
    if any(unicodedata.category(letter) in {"Cc", "Zl", "Zp"} or letter in _DIRECTIONS for letter in part):
        return "has a control character"
    if part[0].isspace() or part[-1].isspace() or part[-1] == ".":
        return "has a part that begins or ends with a space, or ends with a dot"
    return None
