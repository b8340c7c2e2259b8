"""The file of a backup: a tar of one compressed table a member, of blobs, and of a manifest that says what is whole.

tables/NAME.jsonl.zst    a row a line, as a JSON object
blobs/DIGEST             bytes under their BLAKE3 digest
manifest.json            last: revision, rows and checksums; a file that was cut short has none
"""

from __future__ import annotations

import hashlib
import os
import tarfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryFile, mkstemp
from typing import IO, Any

import msgspec
from zstandard import ZstdCompressor, ZstdDecompressor

from jackfield.errors import InvalidRequest, NameTaken
from jackfield.models.disk import disk_errors

FORMAT = 1
MANIFEST = "manifest.json"
PIECE = 1 << 20

Row = dict[str, Any]


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """A table or a blob in the archive; `rows` is 0 for a blob."""

    name: str
    sha256: str
    rows: int = 0


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What an archive holds."""

    format: int
    revision: str
    made_at: datetime
    version: str
    tables: tuple[Member, ...]
    blobs: tuple[Member, ...] = ()
    missing_blobs: tuple[str, ...] = ()


class ArchiveWriter:
    """Adds members to an archive one after the other."""

    def __init__(self, tar: tarfile.TarFile, folder: Path) -> None:
        self._tar = tar
        self._folder = folder

    def table(self, name: str, rows: Iterable[Row]) -> Member:
        """Add a table's rows."""
        count = 0

        def write(file: IO[bytes]) -> None:
            nonlocal count
            with ZstdCompressor().stream_writer(file, closefd=False) as compressed:
                for row in rows:
                    compressed.write(msgspec.json.encode(row) + b"\n")
                    count += 1

        digest = self._add(_table_name(name), write)
        return Member(name=name, sha256=digest, rows=count)

    def blob(self, digest: str, write: Callable[[IO[bytes]], None]) -> Member:
        """Add bytes; what `write` raises leaves the archive without them."""
        return Member(name=digest, sha256=self._add(_blob_name(digest), write))

    def manifest(self, manifest: Manifest) -> None:
        """Say what the archive holds, as the last thing."""
        self._add(MANIFEST, lambda file: _write(file, msgspec.json.format(msgspec.json.encode(manifest))))

    def _add(self, name: str, write: Callable[[IO[bytes]], None]) -> str:
        """Add a member by way of a scratch file, since a tar says sizes first; its SHA-256."""
        with TemporaryFile(dir=self._folder) as file:
            write(file)
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = file.tell(), 0o600
            file.seek(0)
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            file.seek(0)
            self._tar.addfile(entry, file)
        return digest


class ArchiveReader:
    """A whole archive; opening one checks every byte of it."""

    def __init__(self, tar: tarfile.TarFile, path: Path) -> None:
        self._tar = tar
        self._path = path
        self.manifest = self._manifest()
        for table in self.manifest.tables:
            self._check(_table_name(table.name), table.sha256)
        for blob in self.manifest.blobs:
            self._check(_blob_name(blob.name), blob.sha256)

    def rows(self, table: str) -> Iterator[Row]:
        """A table's rows, in the order they were written."""
        with self._opened(_table_name(table)) as file, ZstdDecompressor().stream_reader(file) as plain:
            rest = b""
            while piece := plain.read(PIECE):
                *lines, rest = (rest + piece).split(b"\n")
                yield from map(msgspec.json.decode, lines)

    @contextmanager
    def blob(self, digest: str) -> Iterator[IO[bytes]]:
        """A blob's bytes, to be read."""
        with self._opened(_blob_name(digest)) as file:
            yield file

    def _manifest(self) -> Manifest:
        with self._opened(MANIFEST) as file:
            text = file.read()
        try:
            form = msgspec.json.decode(text, type=dict[str, Any]).get("format")
            if form != FORMAT:
                raise InvalidRequest(
                    f"{self._path} has form {form} and this Jackfield reads form {FORMAT}; "
                    "bring it back with the version of Jackfield that wrote it, or a newer one."
                )
            return msgspec.json.decode(text, type=Manifest)
        except msgspec.MsgspecError as error:
            raise _damaged(self._path, f"its manifest cannot be read ({error})") from error

    def _check(self, name: str, sha256: str) -> None:
        hasher = hashlib.sha256()
        with self._opened(name) as file:
            while piece := file.read(PIECE):
                hasher.update(piece)
        if hasher.hexdigest() != sha256:
            raise _damaged(self._path, f"its '{name}' is not what its checksum says")

    def _opened(self, name: str) -> IO[bytes]:
        try:
            file = self._tar.extractfile(name)
        except KeyError as error:
            raise _damaged(self._path, f"it has no '{name}'") from error
        if file is None:
            raise _damaged(self._path, f"its '{name}' is no file")
        return file


@contextmanager
def new_archive(path: Path) -> Iterator[ArchiveWriter]:
    """An archive that is in its place when the block ends well, and leaves nothing behind when it does not."""
    if path.exists():
        raise NameTaken(f"There is a file {path} already; choose another name, or move it away.")
    with disk_errors(path):
        descriptor, name = mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".partial")
    scratch = Path(name)
    try:
        with disk_errors(path):
            with os.fdopen(descriptor, "wb") as file:
                with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
                    yield ArchiveWriter(tar, path.parent)
                file.flush()
                os.fsync(file.fileno())
            scratch.rename(path)
    finally:
        scratch.unlink(missing_ok=True)


@contextmanager
def whole_archive(path: Path) -> Iterator[ArchiveReader]:
    """An archive to bring back; raises InvalidRequest for anything else."""
    with disk_errors(path):
        try:
            tar = tarfile.open(path, "r:")  # noqa: SIM115 - closed below
        except FileNotFoundError as error:
            raise InvalidRequest(f"There is no file {path}.") from error
        except tarfile.TarError as error:
            raise _damaged(path, "it is no tar file, or damaged") from error
        with tar:
            try:
                reader = ArchiveReader(tar, path)
            except tarfile.TarError as error:
                raise _damaged(path, "it is damaged or cut short") from error
            yield reader


def _table_name(table: str) -> str:
    return f"tables/{table}.jsonl.zst"


def _blob_name(digest: str) -> str:
    return f"blobs/{digest}"


def _write(file: IO[bytes], content: bytes) -> None:
    file.write(content)


def _damaged(path: Path, why: str) -> InvalidRequest:
    return InvalidRequest(f"{path} is no whole backup of Jackfield's: {why}; nothing was changed.")
