"""Reading and changing single files of a watched folder, never over what changed since it was looked at. Blocking."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex

from blake3 import blake3

from jackfield.errors import Conflict, DiskFull
from jackfield.files.watching.scan import SCRATCH, Seen, seen
from jackfield.files.watching.sides import Local
from jackfield.models.disk import FULL

PIECE = 1 << 20


class LocalFiles:
    """The files below a folder, by their paths on the disk."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def digest(self, name: str, known: Seen) -> str | None:
        """Of a file's bytes; None where they changed meanwhile. Raises OSError where they cannot be read."""
        with self.opened(name) as descriptor:
            if seen(name, os.fstat(descriptor)) != known:
                return None
            hasher = blake3()
            while piece := os.read(descriptor, PIECE):
                hasher.update(piece)
            return hasher.hexdigest() if seen(name, os.fstat(descriptor)) == known else None

    @contextmanager
    def opened(self, name: str) -> Iterator[int]:
        """A descriptor of a file, and of none that a link leads to."""
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
        descriptor = os.open(self.root / name, flags)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def scratch(self, name: str) -> tuple[int, Path]:
        """An empty file beside the one that it is to become, whose folder is made."""
        with told(name):
            self._make_folders(name)
            path = (self.root / name).with_name(SCRATCH + token_hex(8))
            return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666), path

    def put(self, descriptor: int, scratch: Path, name: str, old: Local | None) -> Seen:
        """Let a file that was written take its place, once it is on the disk; `old` is what may be there."""
        with told(name):
            os.fsync(descriptor)
            if old is not None:
                os.fchmod(descriptor, self._checked(name, old).st_mode & 0o777)
                scratch.replace(self.root / name)
            else:
                _move_to_nothing(scratch, self.root / name)
            found = seen(name, os.fstat(descriptor))
            _sync((self.root / name).parent)
        return found

    def rename(self, name: str, new_name: str, known: Local) -> Seen:
        """Give a file another name, at which nothing may be."""
        with told(name):
            self._checked(name, known)
            self._make_folders(new_name)
            _move_to_nothing(self.root / name, self.root / new_name)
            _sync((self.root / new_name).parent)
            self._drop_empty_folders(name)
            return seen(new_name, (self.root / new_name).lstat())

    def remove(self, name: str, known: Local) -> None:
        """Delete a file whose bytes are still those that were looked at."""
        with told(name):
            found = self._checked(name, known)
            if self.digest(name, seen(name, found)) != known.digest:
                raise _changed(name)
            (self.root / name).unlink()
            self._drop_empty_folders(name)

    def _checked(self, name: str, known: Local) -> os.stat_result:
        found = (self.root / name).lstat()
        if (found.st_size, found.st_mtime_ns, str(found.st_ino)) != (known.size, known.modified_ns, known.inode):
            raise _changed(name)
        return found

    def _make_folders(self, name: str) -> None:
        """Make a path's folders, none of which may be a link that leads elsewhere."""
        folder = self.root
        for part in Path(name).parts[:-1]:
            folder = folder / part
            with suppress(FileExistsError):
                folder.mkdir()
            if folder.is_symlink():
                raise Conflict(f"'{name}' is left alone: '{folder}' is a link, and links are not followed.")

    def _drop_empty_folders(self, name: str) -> None:
        folder = (self.root / name).parent
        while folder != self.root:
            try:
                folder.rmdir()
            except OSError:  # somebody's files are in it
                return
            folder = folder.parent


def _move_to_nothing(old: Path, new: Path) -> None:
    """Rename without replacing: a link fails where something is, and stands in for the rename that would not."""
    if old.parent == new.parent and old.name.casefold() == new.name.casefold() and new.exists() and old.samefile(new):
        old.replace(new)  # only the case is another, on a file system that does not tell
        return
    try:
        os.link(old, new, follow_symlinks=False)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.EMLINK, errno.ENOSYS):
            raise
        if os.path.lexists(new):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(new)) from error
        old.rename(new)
    else:
        old.unlink()


@contextmanager
def told(name: str) -> Iterator[None]:
    """The system's errors about one file as sentences."""
    try:
        yield
    except FileNotFoundError as error:
        raise _changed(name) from error
    except FileExistsError as error:
        raise Conflict(f"'{name}' is left alone: something is in its place in the folder by now.") from error
    except OSError as error:
        if error.errno in FULL:
            raise DiskFull(f"There is no room in the folder for '{name}'; make some.") from error
        raise Conflict(f"'{name}' is left alone: {error.strerror} in the folder.") from error


def _changed(name: str) -> Conflict:
    return Conflict(f"'{name}' changed in the folder at this moment; it is looked at again.")


def _sync(folder: Path) -> None:
    """Make a rename outlive a power cut, where the system lets folders be synced."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
