"""Which files of a watched folder are kept in step; the rest is as if it were on neither side."""

from __future__ import annotations

import re
from fnmatch import translate
from functools import cached_property
from typing import Literal

import msgspec

Reason = Literal["hidden", "temporary", "excluded"]

TEMPORARY = (
    "*~",
    "*.tmp",
    "*.temp",
    "*.swp",
    "*.swo",
    "*.swx",
    "*.part",
    "*.partial",
    "*.crdownload",
    "*.download",
    "~$*",
    "#*#",
    "4913",
    "*___jb_tmp___",
    "*___jb_old___",
    "*.kate-swp",
    "__pycache__",
    "*.pyc",
    "Thumbs.db",
    "desktop.ini",
)
"""What editors, office programs and downloads leave beside a file for as long as it is open. Hidden ones are left out
before.
"""


class Selection(msgspec.Struct, frozen=True, dict=True):
    """By name, and by patterns: `*` stands for anything, also for several folders, `?` for one character.

    A pattern is held against the path and against each of its parts, so that `build` means that folder anywhere.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    def left_out(self, path: str) -> Reason | None:
        """Why a file is not kept in step; None where it is."""
        if path not in self._known:
            is_meant = not self.include or _matches(self._included, path)
            self._known[path] = self.folder_left_out(path) or (None if is_meant else "excluded")
        return self._known[path]

    def folder_left_out(self, path: str) -> Reason | None:
        """Why nothing below a folder is."""
        parts = path.split("/")
        if any(part.startswith(".") for part in parts):
            return "hidden"
        if any(_TEMPORARY.fullmatch(part) for part in parts):
            return "temporary"
        return "excluded" if self.exclude and _matches(self._excluded, path) else None

    @cached_property
    def _known(self) -> dict[str, Reason | None]:
        """Each round asks for the same paths, on three sides."""
        return {}

    @cached_property
    def _included(self) -> re.Pattern[str]:
        return _compiled(self.include)

    @cached_property
    def _excluded(self) -> re.Pattern[str]:
        return _compiled(self.exclude)


def _compiled(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(translate(pattern.rstrip("/")) for pattern in patterns))


def _matches(pattern: re.Pattern[str], path: str) -> bool:
    parts = path.split("/")
    beginnings = ("/".join(parts[:count]) for count in range(1, len(parts) + 1))
    return any(map(pattern.fullmatch, (*parts, *beginnings)))


_TEMPORARY = _compiled(TEMPORARY)
