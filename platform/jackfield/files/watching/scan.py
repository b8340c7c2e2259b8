"""What is in a folder, from one walk through it."""

from __future__ import annotations

import os
import stat
import unicodedata
from collections import Counter
from pathlib import Path

import msgspec

from jackfield.errors import FolderGone, InvalidRequest
from jackfield.files.paths import checked_path
from jackfield.files.watching.selection import Selection

SCRATCH = ".jackfield-incoming-"
"""How files begin that are being fetched; hidden, so that no watch takes them for anybody's."""


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """A file as the folder lists it; `name` is its path as it is written on the disk."""

    name: str
    size: int
    modified_ns: int
    inode: str


class Scan(msgspec.Struct, frozen=True, kw_only=True):
    """Files by path. `left` says of files and folders that can't be kept in step why not; `ignored` counts the rest.

    `scratch` are the names of files that somebody was, or is, fetching.
    """

    files: dict[str, Seen]
    left: dict[str, str]
    ignored: Counter[str]
    scratch: list[str]


def identity(root: Path) -> tuple[int, int]:
    """Tells a folder from another at its place, such as where something is mounted; raises FolderGone."""
    try:
        found = root.stat()
    except OSError as error:
        raise FolderGone(
            f"The folder {root} is gone ({error.strerror}); nothing was deleted. Watch it again when it is back."
        ) from error
    if not stat.S_ISDIR(found.st_mode):
        raise FolderGone(f"{root} is no folder any more; nothing was deleted.")
    return found.st_dev, found.st_ino


def scan(root: Path, selection: Selection, *, apart: Path | None = None) -> Scan:
    """Every file below a folder, without following links; nothing below `apart`. Blocking."""
    walk = _Walk(root, selection, apart)
    walk.folder("")
    return Scan(files=walk.files, left=walk.left, ignored=walk.ignored, scratch=walk.scratch)


def seen(name: str, found: os.stat_result) -> Seen:
    """A file as its status tells it."""
    return Seen(name=name, size=found.st_size, modified_ns=found.st_mtime_ns, inode=str(found.st_ino))


class _Walk:
    def __init__(self, root: Path, selection: Selection, apart: Path | None) -> None:
        self._root = root
        self._selection = selection
        self._apart = str(apart) if apart else ""
        self.files: dict[str, Seen] = {}
        self.left: dict[str, str] = {}
        self.ignored: Counter[str] = Counter()
        self.scratch: list[str] = []

    def folder(self, top: str) -> None:
        waiting = [top]
        while waiting:
            name = waiting.pop()
            try:
                with os.scandir(self._root / name) as entries:
                    waiting += [folder for entry in entries if (folder := self._entry(name, entry))]
            except OSError as error:
                self._unreadable(name, error)

    def _unreadable(self, name: str, error: OSError) -> None:
        if not name:
            raise FolderGone(
                f"The folder {self._root} cannot be read ({error.strerror}); nothing was deleted."
            ) from error
        if not isinstance(error, FileNotFoundError | NotADirectoryError):  # deleted since it was listed
            self.left[_path(name)] = f"cannot be read ({error.strerror})"

    def _entry(self, folder: str, entry: os.DirEntry[str]) -> str | None:
        """Takes a file in; gives the name of a folder that is to be walked."""
        name = f"{folder}/{entry.name}" if folder else entry.name
        path = _path(name)
        if entry.name.startswith(SCRATCH):
            self.scratch.append(name)
            return None
        is_folder = entry.is_dir(follow_symlinks=False)
        reason = self._selection.folder_left_out(path) if is_folder else self._selection.left_out(path)
        if reason:
            self.ignored[reason] += 1
        elif fault := _fault(path):
            self.left[path] = fault
        elif entry.is_symlink():
            self.ignored["link"] += 1
            self.left[path] = ""
        elif is_folder:
            return None if entry.path == self._apart else name
        elif entry.is_file(follow_symlinks=False):
            self._file(name, path, entry)
        else:
            self.ignored["device"] += 1
            self.left[path] = ""
        return None

    def _file(self, name: str, path: str, entry: os.DirEntry[str]) -> None:
        try:
            found = seen(name, entry.stat(follow_symlinks=False))
        except FileNotFoundError:
            return
        except OSError as error:
            self.left[path] = f"cannot be read ({error.strerror})"
            return
        if path in self.files:
            self.left[path] = "is there twice, written with different code points for the same letters"
            del self.files[path]
        elif path not in self.left:
            self.files[path] = found


def _path(name: str) -> str:
    """In composed form, as collections have them."""
    return unicodedata.normalize("NFC", name)


def _fault(path: str) -> str | None:
    """Why no collection takes a path."""
    try:
        checked_path(path)
    except InvalidRequest as error:
        return f"has a name that no collection takes: {error.message}"
    return None
