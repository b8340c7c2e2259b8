"""What files with versions come to, in the plainest words: a list of files, each a list of versions."""

from __future__ import annotations

import unicodedata
from typing import Any

import msgspec


class Version(msgspec.Struct, frozen=True):
    """What a version says."""

    action: str
    path: str
    content: bytes


class ModelledFile(msgspec.Struct):
    """A file, and when it was deleted, as a count."""

    versions: list[Version]
    deleted: int = 0

    @property
    def newest(self) -> Version:
        """How it stands."""
        return self.versions[-1]


class Refused(Exception):
    """The name of the error that a store raises."""


class ModelledFiles:
    """The files of one collection; `outcome` words what a step comes to."""

    def __init__(self) -> None:
        self._files: list[ModelledFile] = []
        self._clock = 0

    def outcome(self, step: tuple[Any, ...]) -> str:
        """`made N`, `left N`, `freed N`, or the name or code of an error."""
        self._clock += 1
        kind, *values = step
        try:
            made: str = getattr(self, f"_{kind}")(*values)
        except Refused as refused:
            return str(refused)
        return made

    def heads(self) -> dict[str, int]:
        """The number of the newest version by path."""
        return {file.newest.path: len(file.versions) for file in self._there()}

    def actions(self, path: str) -> list[tuple[str, str]]:
        """What the versions of a file say of themselves."""
        return [(version.action, version.path) for version in self._at(path).versions]

    def contents(self, path: str) -> list[bytes]:
        """The bytes of each version of a file."""
        return [version.content for version in self._at(path).versions]

    def used_bytes(self) -> int:
        """Bytes of all versions that brought any."""
        return sum(map(_brought, self._files))

    def _write(self, path: str, content: bytes, action: str = "written") -> str:
        file = self._by_key(path)
        if file is None:
            self._check_place(path, None)
            file = self._last_deleted(path)
        elif file.newest.path != path:
            raise Refused("NameTaken")
        if file is None:
            file = ModelledFile([])
            self._files.append(file)
        elif not file.deleted and file.newest.content == content:
            return f"left {len(file.versions)}"
        return self._add(file, action, path, content)

    def _append(self, path: str, content: bytes) -> str:
        file = self._by_key(path)
        before = file.newest.content if file else b""
        return self._write(path, before + content, "appended")

    def _delete(self, path: str) -> str:
        file = self._at(path)
        made = self._add(file, "deleted", path, file.newest.content)
        file.deleted = self._clock
        return made

    def _undelete(self, path: str) -> str:
        file = self._last_deleted(path)
        if file is None:
            raise Refused("FileNotThere")
        self._check_place(path, None)
        return self._add(file, "undeleted", path, file.newest.content)

    def _rename(self, path: str, new_path: str) -> str:
        file = self._at(path)
        if path == new_path:
            return f"left {len(file.versions)}"
        self._check_place(new_path, file)
        return self._add(file, "renamed", new_path, file.newest.content)

    def _rollback(self, path: str, number: int) -> str:
        file = self._at(path)
        if not 0 < number <= len(file.versions):
            raise Refused("VersionNotFound")
        content = file.versions[number - 1].content
        if content == file.newest.content:
            return f"left {len(file.versions)}"
        return self._add(file, "restored", path, content)

    def _purge(self, path: str) -> str:
        file = self._last_deleted(path)
        if file is None:
            self._at(path)
            raise Refused("conflict")
        self._files.remove(file)
        return f"freed {_brought(file)}"

    def _add(self, file: ModelledFile, action: str, path: str, content: bytes) -> str:
        file.versions.append(Version(action, path, content))
        file.deleted = 0
        return f"made {len(file.versions)}"

    def _there(self) -> list[ModelledFile]:
        return [file for file in self._files if not file.deleted]

    def _at(self, path: str) -> ModelledFile:
        file = next((file for file in self._there() if file.newest.path == path), None)
        if file is None:
            raise Refused("FileNotThere")
        return file

    def _by_key(self, path: str) -> ModelledFile | None:
        return next((file for file in self._there() if _key(file.newest.path) == _key(path)), None)

    def _last_deleted(self, path: str) -> ModelledFile | None:
        gone = [file for file in self._files if file.deleted and file.newest.path == path]
        return max(gone, key=lambda file: file.deleted, default=None)

    def _check_place(self, path: str, besides: ModelledFile | None) -> None:
        key = _key(path)
        for other in self._there():
            taken = _key(other.newest.path)
            if other is not besides and (taken == key or taken.startswith(f"{key}/") or key.startswith(f"{taken}/")):
                raise Refused("NameTaken")


def _key(path: str) -> str:
    return unicodedata.normalize("NFC", path.casefold())


def _brought(file: ModelledFile) -> int:
    return sum(len(version.content) for version in file.versions if version.action in {"written", "appended"})
