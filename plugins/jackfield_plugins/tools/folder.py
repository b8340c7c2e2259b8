"""A granted folder: every path in it is walked from its own descriptor, so that none leads out of it."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Self

import msgspec

from jackfield.errors import InvalidRequest, JackfieldError, ToolFailure

MOST_LINKS = 40
"""Symbolic links that one path may pass, as Linux has it."""
DEEPEST = 64
"""Folders that one path may go down; each is held open while it is walked."""

FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
FILE_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC

NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
REASONS = {
    errno.ENOENT: "'{path}' does not exist; list_files shows what is there.",
    errno.ENOTDIR: "'{path}' goes through a file as if it were a folder; list_files shows what is there.",
    errno.EISDIR: "'{path}' is a folder, not a file; list_files shows what is in it.",
    errno.EACCES: "'{path}' may not be opened: its permissions forbid it.",
    errno.EPERM: "'{path}' may not be changed: its permissions forbid it.",
    errno.EROFS: "'{path}' is on a disk that cannot be written.",
    errno.ENAMETOOLONG: "'{path}' has a name that is too long; choose a shorter one.",
    errno.ELOOP: "'{path}' was changed into a link while it was opened; try again.",
}


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a path ends: an open folder and a name in it; the name is empty for the granted folder itself."""

    folder: int
    name: str


class GrantedFolder:
    """Opens what is inside and refuses the rest; each path is relative to it and may pass links that stay inside.

    Links are read and walked here rather than by the system, so one that is swapped in midway leads nowhere else.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def place(self, path: str, *, make_folders: bool = False) -> Iterator[Place]:
        """The end of a path, whether or not something is there; raises InvalidRequest or ToolFailure."""
        with _refusals(path), _Walk(self.path, path, make_folders=make_folders) as walk:
            name = walk.last_name()
            yield Place(folder=walk.here, name=name)

    @contextmanager
    def folder(self, path: str) -> Iterator[int]:
        """A folder's descriptor, open for reading."""
        with self.place(path) as place:
            descriptor = os.open(place.name or ".", FOLDER_FLAGS, dir_fd=place.folder)
            try:
                yield descriptor
            finally:
                os.close(descriptor)

    @contextmanager
    def file(self, path: str) -> Iterator[int]:
        """A regular file's descriptor, open for reading."""
        with self.place(path) as place:
            descriptor = regular_file(place.folder, place.name or ".", path)
            try:
                yield descriptor
            finally:
                os.close(descriptor)


def regular_file(folder: int, name: str, path: str) -> int:
    """Open a file by its name in an open folder; raises ToolFailure for what is neither a file nor safe to open."""
    _require_regular(os.stat(name, dir_fd=folder, follow_symlinks=False), path)
    descriptor = os.open(name, FILE_FLAGS, dir_fd=folder)
    try:
        _require_regular(os.fstat(descriptor), path)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def failure_in_words(error: OSError, path: str) -> JackfieldError:
    """An operating system's error about a path, without naming where the folder is."""
    if error.errno in NO_ROOM:
        return ToolFailure(f"There is no room on the disk for '{path}'.")
    sentence = REASONS.get(error.errno or 0)
    if sentence is None:
        return ToolFailure(f"'{path}' cannot be used: {error.strerror or type(error).__name__}.")
    return ToolFailure(sentence.format(path=path))


class _Walk:
    """One path, walked: the folders from the granted one to where it is, all held open so that `..` needs no look."""

    def __init__(self, root: Path, path: str, *, make_folders: bool) -> None:
        self._root = root
        self._path = path
        self._make_folders = make_folders
        self._pending = list(reversed(_parts(path)))
        self._links = 0
        self._open = ExitStack()
        self._folders: list[int] = []

    def __enter__(self) -> Self:
        self._enter(_root_descriptor(self._root))
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    @property
    def here(self) -> int:
        return self._folders[-1]

    def last_name(self) -> str:
        """Walk to the end and give the last name, which is no link at that moment."""
        while self._pending:
            name = self._pending.pop()
            if name == "..":
                self._leave()
            elif (target := self._link(name)) is not None:
                self._follow(target)
            elif not self._pending:
                return name
            else:
                self._enter(self._subfolder(name))
        return ""

    def _enter(self, descriptor: int) -> None:
        self._open.callback(os.close, descriptor)
        if len(self._folders) > DEEPEST:
            raise ToolFailure(f"'{self._path}' goes down more than {DEEPEST} folders; that is too deep to use.")
        self._folders.append(descriptor)

    def _leave(self) -> None:
        if len(self._folders) == 1:
            raise _leads_out(self._path)
        self._folders.pop()

    def _link(self, name: str) -> str | None:
        try:
            return os.readlink(name, dir_fd=self.here)
        except OSError as error:
            if error.errno in (errno.EINVAL, errno.ENOENT):
                return None
            raise

    def _follow(self, target: str) -> None:
        self._links += 1
        if self._links > MOST_LINKS:
            raise ToolFailure(f"'{self._path}' goes through links that lead to one another in a circle.")
        if target.startswith("/"):
            target = self._inside(target)
            del self._folders[1:]
        self._pending.extend(reversed(_parts(target)))

    def _inside(self, target: str) -> str:
        """An absolute link's target as seen from the granted folder."""
        for root in (self._root, self._root.resolve()):
            if Path(target).is_relative_to(root):
                return str(Path(target).relative_to(root))
        raise _leads_out(self._path)

    def _subfolder(self, name: str) -> int:
        try:
            return os.open(name, FOLDER_FLAGS, dir_fd=self.here)
        except FileNotFoundError:
            if not self._make_folders:
                raise
        with suppress(FileExistsError):
            os.mkdir(name, dir_fd=self.here)
        return os.open(name, FOLDER_FLAGS, dir_fd=self.here)


def _root_descriptor(root: Path) -> int:
    try:
        return os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise ToolFailure(f"The granted folder cannot be opened: {error.strerror}; tell the user.") from error


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in ("", ".")]


def _leads_out(path: str) -> InvalidRequest:
    return InvalidRequest(f"'{path}' leads out of the granted folder; only what is inside it may be used.")


@contextmanager
def _refusals(path: str) -> Iterator[None]:
    if "\0" in path:
        raise InvalidRequest("The path holds a zero character; give a plain path such as notes/today.txt.")
    if path.startswith(("/", "~/")) or path == "~":
        raise InvalidRequest(
            f"'{path}' is not relative; give the path as seen from the granted folder, such as notes/today.txt."
        )
    try:
        yield
    except OSError as error:
        raise failure_in_words(error, path) from error
    except UnicodeEncodeError as error:
        raise InvalidRequest("The path holds characters that no file name can have.") from error


def _require_regular(found: os.stat_result, path: str) -> None:
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, "is a folder", path)
    if stat.S_ISLNK(found.st_mode):
        raise OSError(errno.ELOOP, "is a link", path)
    if not stat.S_ISREG(found.st_mode):
        raise ToolFailure(f"'{path}' is a device, pipe or socket and not a file; only files can be opened.")
