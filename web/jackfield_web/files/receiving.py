"""Taking a file in: its bytes to the blob store as they arrive, then its record."""

from __future__ import annotations

from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any, Literal, get_args

import msgspec
from litestar import Request

from jackfield.contracts.identity import Account
from jackfield.contracts.uploads import Upload
from jackfield.errors import (
    InvalidRequest,
    JackfieldError,
    NotFound,
    StateUnavailable,
    UnknownParameter,
    UnsupportedParameter,
)
from jackfield.identifiers import new_identifier
from jackfield.workbench import Workbench
from jackfield_web.files.multipart_body import Part, parts_of

Purpose = Literal["assistants", "batch", "fine-tune", "vision", "user_data", "evals"]
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)


class Received(msgspec.Struct, kw_only=True):
    """What has come of an upload so far."""

    purpose: str | None = None
    filename: str | None = None
    digest: str | None = None
    size: int = 0


async def received_upload(request: Request[Any, Any, Any], workbench: Workbench, account: Account | None) -> Upload:
    """The upload that a request brings, on record; raises InvalidRequest, DiskFull, and leaves no bytes behind then."""
    received = Received()
    try:
        async with aclosing(parts_of(request)) as parts:
            async for part in parts:
                await _take(part, received, workbench)
        upload = _upload(received, account)
        await workbench.uploads.add(upload)
    except BaseException:
        if received.digest:
            await drop_unused(workbench, received.digest)
        raise
    await _check_kept(upload, workbench)
    return upload


async def drop_unused(workbench: Workbench, digest: str) -> None:
    """Delete bytes that nothing has: no upload, no version of a file."""
    await workbench.uploads.drop_unused(digest, workbench.blobs)


async def _take(part: Part, received: Received, workbench: Workbench) -> None:
    match part.name:
        case "purpose":
            received.purpose = _purpose(await part.text())
        case "file" if received.digest is None:
            if part.filename is None:
                raise InvalidRequest("'file' has no file name; send it as a file.", parameter="file")
            received.filename = part.filename
            await _keep(part, received, workbench)
        case "file":
            raise InvalidRequest("There are two fields 'file'; send one file at a time.", parameter="file")
        case name if name.startswith("expires_after"):
            sentence = "'expires_after' is not supported: a file stays until it is deleted; leave it out."
            raise UnsupportedParameter(sentence, parameter="expires_after")
        case name:
            raise UnknownParameter(f"Unknown field '{name}'; known are file and purpose.", parameter=name)


async def _keep(part: Part, received: Received, workbench: Workbench) -> None:
    most = workbench.settings.uploads.largest_mb << 20
    try:
        async with aclosing(part.content()) as content:
            received.digest, received.size = await workbench.blobs.put(content, most=most)
    except InvalidRequest as error:
        if error.parameter is None:
            raise InvalidRequest(error.message, parameter="file") from error
        raise


def _upload(received: Received, account: Account | None) -> Upload:
    for field, value in (("file", received.digest), ("purpose", received.purpose)):
        if value is None:
            raise InvalidRequest(f"Field '{field}' is missing.", parameter=field)
    return Upload(
        id=new_identifier("file"),
        filename=received.filename or "",
        purpose=received.purpose or "",
        size=received.size,
        digest=received.digest or "",
        created_at=datetime.now(UTC),
        owner_id=account.user_id if account else None,
    )


def _purpose(text: str) -> str:
    if text not in PURPOSES:
        raise InvalidRequest(f"'purpose' is '{text}'; expected one of {', '.join(PURPOSES)}.", parameter="purpose")
    return text


async def _check_kept(upload: Upload, workbench: Workbench) -> None:
    """Make sure that nobody deleted the same bytes before they were this upload's too; raises StateUnavailable."""
    try:
        async with aclosing(workbench.blobs.read(upload.digest)) as content:
            await anext(content, b"")
    except NotFound as error:
        await workbench.uploads.remove(upload.id)
        raise StateUnavailable("The same file was deleted at this moment; upload it again.") from error
    except JackfieldError:
        await workbench.uploads.remove(upload.id)
        raise
