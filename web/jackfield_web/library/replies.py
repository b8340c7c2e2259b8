"""What is told of semantic files, where it is not told as it is kept."""

from __future__ import annotations

import msgspec

from jackfield.contracts.files import Collection, Fault, FileVersion, IndexProgress, Link, StoredFile, VerifyReport


class CollectionList(msgspec.Struct, frozen=True, kw_only=True):
    """The collections that one may read; `default` is the one that is meant where none is named."""

    data: list[Collection]
    default: str


class FilePage(msgspec.Struct, frozen=True, kw_only=True):
    """Files in the order of their paths; `next` is the path to go on behind, null on the last page."""

    data: list[StoredFile]
    next: str | None


class History(msgspec.Struct, frozen=True, kw_only=True):
    """Versions of one file, the oldest first, or of all of a collection's, the newest first."""

    data: list[FileVersion]


class FileText(msgspec.Struct, frozen=True, kw_only=True):
    """The text that was read out of a version; offsets of passages are bytes of it in UTF-8."""

    path: str
    text: str


class FileDifference(msgspec.Struct, frozen=True, kw_only=True):
    """Two versions and the unified difference of their texts; `reason` says why there is none."""

    path: str
    old: FileVersion
    new: FileVersion
    unified: str | None
    reason: str


class Purged(msgspec.Struct, frozen=True):
    """How many bytes are free that were not before."""

    freed_bytes: int


class Retried(msgspec.Struct, frozen=True):
    """How many versions will be read again."""

    versions: int


class Indexing(msgspec.Struct, frozen=True, kw_only=True):
    """How far indexing is: versions whose text is read, and passages that have their vector."""

    contents: int
    contents_done: int
    passages: int
    passages_done: int
    failed: int
    notice: str
    done: bool

    @classmethod
    def of(cls, progress: IndexProgress) -> Indexing:
        """As it is told."""
        return cls(**msgspec.structs.asdict(progress), done=progress.done)


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """What was looked at, every fault, and whether everything agrees, or does now."""

    files: int
    versions: int
    blobs: int
    passages: int
    faults: list[Fault]
    sound: bool

    @classmethod
    def of(cls, report: VerifyReport) -> Verified:
        """As it is told."""
        return cls(**msgspec.structs.asdict(report) | {"faults": list(report.faults)}, sound=report.sound)


class NewLink(msgspec.Struct, frozen=True, kw_only=True):
    """A link, and its address with the token, which is shown this once."""

    link: Link
    token: str
    url: str


class LinkList(msgspec.Struct, frozen=True, kw_only=True):
    """A collection's links, also those that hold no longer."""

    data: list[Link]


class SharedFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file below a shared folder: its path from there on."""

    path: str
    size: int
    version: int


class SharedFolder(msgspec.Struct, frozen=True, kw_only=True):
    """Files below a shared folder in the order of their paths; `next` is the path to go on behind."""

    data: list[SharedFile]
    next: str | None
