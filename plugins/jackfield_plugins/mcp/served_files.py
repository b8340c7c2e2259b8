"""Semantic files as an MCP server has them: resources of whoever asks, `jackfield://COLLECTION/PATH`."""

from __future__ import annotations

import base64
import mimetypes
from collections.abc import Callable
from contextlib import aclosing
from urllib.parse import parse_qs, quote, unquote, urlsplit

import msgspec
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    BlobResourceContents,
    ListResourcesResult,
    ListResourceTemplatesResult,
    ReadResourceResult,
    Resource,
    ResourceTemplate,
    TextResourceContents,
)

from jackfield.contracts.files import OpenVersion, Point, StoredFile
from jackfield.contracts.identity import Principal
from jackfield.errors import JackfieldError, MissingDependency, NothingRegistered
from jackfield.files.library import Library

SCHEME = "jackfield"
PAGE = 200
LARGEST = 8 << 20
"""Bytes of a file that is sent as one resource: the protocol has them whole in one message."""

TEMPLATES = [
    ResourceTemplate(
        name="file",
        title="A file",
        uri_template="jackfield://{collection}/{+path}",
        description="The newest version of a file.",
    ),
    ResourceTemplate(
        name="version",
        title="A version of a file",
        uri_template="jackfield://{collection}/{+path}?version={version}",
        description="One version of a file, by its number.",
    ),
]


class Place(msgspec.Struct, frozen=True):
    """Where a list of resources goes on: in a collection, behind a path."""

    collection: str = ""
    path: str = ""


class ServedFiles:
    """Lists and reads files as a principal may see them."""

    def __init__(self, library: Callable[[Principal], Library]) -> None:
        self._library = library

    async def listed(self, principal: Principal, cursor: str | None) -> ListResourcesResult:
        """A page of the files in one's own collections; none where none can be kept. MCPError for a bad cursor."""
        place = _place(cursor)
        try:
            library = self._library(principal)
        except (NothingRegistered, MissingDependency):
            return ListResourcesResult(resources=[])
        files: list[StoredFile] = []
        for collection in await library.own_collections():
            if collection.name < place.collection:
                continue
            after = place.path if collection.name == place.collection else ""
            opened = await library.opened(collection.name)
            files += await opened.page(after=after, limit=PAGE + 1 - len(files))
            if len(files) > PAGE:
                return ListResourcesResult(
                    resources=[_resource(file) for file in files[:PAGE]], next_cursor=_cursor(files[PAGE - 1])
                )
        return ListResourcesResult(resources=[_resource(file) for file in files])

    async def templates(self) -> ListResourceTemplatesResult:
        """How files are named, and versions of them."""
        return ListResourceTemplatesResult(resource_templates=TEMPLATES)

    async def read(self, principal: Principal, uri: str) -> ReadResourceResult:
        """A file's bytes, as text where they are UTF-8; raises MCPError with the reason where there are none."""
        try:
            collection, path, point = _parts(uri)
            opened = await self._library(principal).opened(collection)
            content = await _content(await opened.read(path, point))
        except JackfieldError as error:
            raise MCPError(INVALID_PARAMS, error.message) from error
        kind = mimetypes.guess_type(path)[0]
        try:
            text = TextResourceContents(uri=uri, mime_type=kind or "text/plain", text=content.decode())
            return ReadResourceResult(contents=[text])
        except UnicodeDecodeError:
            blob = base64.b64encode(content).decode()
            return ReadResourceResult(
                contents=[BlobResourceContents(uri=uri, mime_type=kind or "application/octet-stream", blob=blob)]
            )


def address(collection: str, path: str) -> str:
    """A file's URI."""
    return f"{SCHEME}://{quote(collection, safe='')}/{quote(path)}"


def _resource(file: StoredFile) -> Resource:
    return Resource(
        uri=address(file.collection, file.path),
        name=file.path,
        description=f"Version {file.version} of {file.modified_at:%Y-%m-%d %H:%M} UTC, in '{file.collection}'.",
        mime_type=mimetypes.guess_type(file.path)[0],
        size=file.size,
    )


async def _content(opened: OpenVersion) -> bytes:
    """A version's bytes; raises MCPError where they are too many for one message."""
    async with aclosing(opened.pieces) as pieces:
        if opened.version.size > LARGEST:
            raise MCPError(
                INVALID_PARAMS,
                f"'{opened.version.path}' is larger than {LARGEST >> 20} MiB, the most that is sent as a resource; "
                "read_document reads its text by the page.",
            )
        return b"".join([piece async for piece in pieces])


def _parts(uri: str) -> tuple[str, str, Point]:
    """Collection, path and version that a URI names; raises MCPError for one that is none of ours."""
    try:
        parts = urlsplit(uri)
        said = parse_qs(parts.query, strict_parsing=True) if parts.query else {}
    except ValueError as error:
        raise _no_address(uri) from error
    collection, path = unquote(parts.netloc), unquote(parts.path.removeprefix("/"))
    version = said.pop("version", [""])[-1]
    if parts.scheme != SCHEME or not collection or not path or said or (version and not _is_number(version)):
        raise _no_address(uri)
    return collection, path, Point(number=int(version) if version else None)


def _is_number(version: str) -> bool:
    return version.isascii() and version.isdigit() and 1 <= int(version[:10]) < 2**31 and len(version) <= 10


def _no_address(uri: str) -> MCPError:
    return MCPError(
        INVALID_PARAMS,
        f"'{uri[:200]}' names no file here; one is named jackfield://COLLECTION/PATH, a version of it with ?version=3.",
    )


def _cursor(file: StoredFile) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(Place(file.collection, file.path))).decode()


def _place(cursor: str | None) -> Place:
    if cursor is None:
        return Place()
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(cursor), type=Place)
    except (ValueError, msgspec.MsgspecError) as error:
        raise MCPError(INVALID_PARAMS, "This cursor was not made here; list the resources anew.") from error
