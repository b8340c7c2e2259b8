"""Uploaded files as OpenAI words them."""

from __future__ import annotations

from typing import Literal

import msgspec

from jackfield.contracts.uploads import Upload


class FileObject(msgspec.Struct, frozen=True, kw_only=True):
    """An uploaded file."""

    id: str
    object: Literal["file"] = "file"
    bytes: int
    created_at: int
    filename: str
    purpose: str
    status: Literal["processed"] = "processed"

    @classmethod
    def of(cls, upload: Upload) -> FileObject:
        """What the API tells of an upload."""
        return cls(
            id=upload.id,
            bytes=upload.size,
            created_at=int(upload.created_at.timestamp()),
            filename=upload.filename,
            purpose=upload.purpose,
        )


class FileList(msgspec.Struct, frozen=True, kw_only=True):
    """A page of files; `has_more` says whether others come behind the last of them."""

    object: Literal["list"] = "list"
    data: list[FileObject]
    first_id: str | None
    last_id: str | None
    has_more: bool


class FileDeleted(msgspec.Struct, frozen=True, kw_only=True):
    """That a file is gone."""

    id: str
    object: Literal["file"] = "file"
    deleted: bool = True
