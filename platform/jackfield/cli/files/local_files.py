"""Which of this machine's files are meant by what was typed, and what each is to be called in a collection."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path

import msgspec

from jackfield.errors import InvalidRequest, JackfieldError, NotFound

ALWAYS_SKIPPED = ".git"


class LocalFile(msgspec.Struct, frozen=True):
    """A file here, its path in the collection, and its size."""

    source: Path
    path: str
    size: int


class Failure(msgspec.Struct, frozen=True):
    """What could not be added, and why."""

    source: str
    code: str
    message: str


class LocalFiles(msgspec.Struct):
    """What was found, and what was passed over."""

    files: list[LocalFile] = []
    failures: list[Failure] = []
    hidden: int = 0
    links: int = 0
    special: int = 0

    @property
    def bytes(self) -> int:
        """Of all files."""
        return sum(file.size for file in self.files)

    def fail(self, source: str, error: JackfieldError) -> None:
        """Keep what went wrong, and go on."""
        self.failures.append(Failure(printed(source), error.code, error.message))


def local_files(sources: Sequence[str], *, to: str = "", hidden: bool = False) -> LocalFiles:
    """The files named, and those in the folders named, in the order of their paths.

    What was named itself may be a symbolic link, and hidden. Raises InvalidRequest where two would have one path.
    """
    found = LocalFiles()
    for source in sources:
        try:
            _named(Path(source), _joined(to, kept_path(source)), found, hidden=hidden)
        except OSError as error:
            found.fail(source, _not_read(source, error))
        except JackfieldError as error:
            found.fail(source, error)
    found.files = _each_once(found.files)
    return found


def kept_path(source: str) -> str:
    """What a file or folder is called in a collection: as it was typed below this folder, by its name from elsewhere.

    A folder that ends in `/.` and this folder itself have no name of their own: what is in them does.
    """
    normal = os.path.normpath(source)
    if normal == "." or source.endswith(("/.", os.sep + ".")):
        return ""
    path = Path(normal)
    if path.is_absolute() or path.parts[0] == os.pardir:
        return path.absolute().name if path.name != os.pardir else path.resolve().name
    return path.as_posix()


def printed(name: str) -> str:
    """A name that can be shown, also where its bytes are no UTF-8."""
    return os.fsencode(name).decode(errors="backslashreplace")


def _named(source: Path, path: str, found: LocalFiles, *, hidden: bool) -> None:
    status = source.stat()
    if stat.S_ISDIR(status.st_mode):
        _folder(source, path, found, hidden=hidden)
    elif stat.S_ISREG(status.st_mode):
        found.files.append(LocalFile(source, _utf8(path or source.resolve().name), status.st_size))
    else:
        raise InvalidRequest(f"'{source}' is neither a file nor a folder; pipe it in with - and --as.")


def _folder(folder: Path, path: str, found: LocalFiles, *, hidden: bool) -> None:
    for entry in _entries(folder, found):
        name = entry.name
        if name == ALWAYS_SKIPPED or (name.startswith(".") and not hidden):
            found.hidden += 1
        elif entry.is_symlink():
            found.links += 1
        elif entry.is_dir():
            _folder(folder / name, _joined(path, name), found, hidden=hidden)
        elif entry.is_file():
            _file(entry, _joined(path, name), found)
        else:
            found.special += 1


def _file(entry: os.DirEntry[str], path: str, found: LocalFiles) -> None:
    try:
        found.files.append(LocalFile(Path(entry.path), _utf8(path), entry.stat().st_size))
    except OSError as error:
        found.fail(entry.path, _not_read(entry.path, error))
    except InvalidRequest as error:
        found.fail(entry.path, error)


def _entries(folder: Path, found: LocalFiles) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        found.fail(str(folder), _not_read(str(folder), error))
        return []


def _each_once(files: Sequence[LocalFile]) -> list[LocalFile]:
    """Without those that were named twice; raises InvalidRequest for two of one path."""
    by_path: dict[str, LocalFile] = {}
    for file in files:
        other = by_path.setdefault(file.path, file)
        if other.source != file.source and other.source.absolute() != file.source.absolute():
            raise InvalidRequest(
                f"'{other.source}' and '{file.source}' would both be '{file.path}'; "
                "add them one by one with --to or --as."
            )
    return list(by_path.values())


def _utf8(path: str) -> str:
    try:
        path.encode()
    except UnicodeEncodeError:
        raise InvalidRequest(f"The name '{printed(path)}' is not UTF-8; rename the file.") from None
    return path


def _not_read(source: str, error: OSError) -> JackfieldError:
    if isinstance(error, FileNotFoundError):
        return NotFound(f"There is no file or folder '{printed(source)}'.")
    return InvalidRequest(f"'{printed(source)}' cannot be read: {error.strerror}.")


def _joined(folder: str, name: str) -> str:
    return "/".join(part for part in (folder.strip("/"), name) if part)
