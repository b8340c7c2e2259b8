"""What a folder holds that fits a glob, in order of names, without passing links."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Literal

import msgspec

from jackfield.errors import ArgumentsInvalid, JackfieldError
from jackfield_plugins.tools.folder import DEEPEST, GrantedFolder

MOST_EXAMINED = 100_000
"""Names looked at in one walk."""
LONGEST_WALK = 10.0
"""Seconds that one walk may take."""

Kind = Literal["file", "folder", "link", "special file"]
Positions = frozenset[int]
"""Which parts of a glob may be due next."""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """Something that fits: its path as seen from the granted folder, and its bytes where it is a file."""

    path: str
    kind: Kind
    size: int = 0


class Glob:
    """A pattern of names: `*` and `?` within a name, `**` for any folders. Hidden names only fit a part with a dot."""

    def __init__(self, pattern: str) -> None:
        self._parts = [part for part in pattern.split("/") if part not in ("", ".")] or ["*"]

    def start(self) -> Positions:
        """What is due before any name was read."""
        return self._reachable({0})

    def after(self, due: Positions, name: str) -> Positions:
        """What is due behind a name; nothing where it does not fit."""
        following = set()
        for position in due:
            if position == len(self._parts):
                continue
            part = self._parts[position]
            if part == "**":
                following |= set() if name.startswith(".") else {position}
            elif fnmatchcase(name, part) and (part.startswith(".") or not name.startswith(".")):
                following.add(position + 1)
        return self._reachable(following)

    def fits(self, due: Positions) -> bool:
        """Whether the names read so far are a whole match."""
        return len(self._parts) in due

    def _reachable(self, positions: set[int]) -> Positions:
        reached = set(positions)
        for position in range(len(self._parts)):
            if position in reached and self._parts[position] == "**":
                reached.add(position + 1)
        return frozenset(reached)


class FolderWalk:
    """One walk; when it is over it knows what it left out, in `hidden`, `unreadable` and `stopped`."""

    def __init__(self, folder: GrantedFolder, pattern: str) -> None:
        self._folder = folder
        self._glob = Glob(pattern)
        self._until = time.monotonic() + LONGEST_WALK
        self._examined = 0
        self.hidden = 0
        self.unreadable: list[str] = []
        self.stopped = ""

    def __iter__(self) -> Iterator[Found]:
        waiting = [("", self._glob.start())]
        while waiting and not self.stopped:
            folder, due = waiting.pop()
            below = []
            for found in self._entries(folder):
                name = found.path.rpartition("/")[2]
                following = self._glob.after(due, name)
                if not following:
                    self.hidden += name.startswith(".") and bool(self._glob.after(due, name.lstrip(".")))
                    continue
                if self._glob.fits(following):
                    yield found
                if found.kind == "folder" and found.path.count("/") < DEEPEST:
                    below.append((f"{found.path}/", following))
            waiting.extend(reversed(below))

    def left_out(self) -> list[str]:
        """A sentence for each thing that this walk did not look at."""
        sentences = []
        if self.hidden:
            sentences.append(f"Names with a leading dot left out: {self.hidden}. A glob such as .* finds them.")
        if self.unreadable:
            sentences.append(f"These folders could not be read: {', '.join(self.unreadable[:5])}.")
        if self.stopped:
            sentences.append(f"Stopped because {self.stopped}; use a narrower glob.")
        return sentences

    def _entries(self, folder: str) -> list[Found]:
        """What a folder holds, in order of names; remembers where it could not look, and when it is enough."""
        listed = []
        try:
            with self._folder.folder(folder) as descriptor, os.scandir(descriptor) as entries:
                for entry in entries:
                    listed += _found(f"{folder}{entry.name}", entry)
                    self._examined += 1
                    if self._examined >= MOST_EXAMINED:
                        self.stopped = f"{MOST_EXAMINED:,} names were looked at"
                        break
        except JackfieldError:
            if not folder:
                raise
            self.unreadable.append(folder)
        if time.monotonic() > self._until:
            self.stopped = f"{LONGEST_WALK:.0f} seconds were over"
        return sorted(listed, key=lambda found: found.path)


def _found(path: str, entry: os.DirEntry[str]) -> list[Found]:
    """An entry, or nothing where it went away meanwhile."""
    try:
        status = entry.stat(follow_symlinks=False)
    except OSError:
        return []
    return [Found(path=path, kind=_kind(status.st_mode), size=status.st_size)]


def _kind(mode: int) -> Kind:
    if stat.S_ISREG(mode):
        return "file"
    if stat.S_ISDIR(mode):
        return "folder"
    return "link" if stat.S_ISLNK(mode) else "special file"


def require_relative(pattern: str) -> None:
    """Raises ArgumentsInvalid for a glob that could only fit what is outside."""
    if pattern.startswith(("/", "~/")) or ".." in pattern.split("/"):
        raise ArgumentsInvalid(f"'{pattern}' leads out of the granted folder; give a glob such as * or src/*.py.")
