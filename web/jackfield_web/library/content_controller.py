"""/api/files/collections/{collection}/content: the bytes of files."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Controller, Request, Response, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, HeaderParameter
from litestar.response import Stream

from jackfield.contracts.files import Written
from jackfield.errors import InvalidRequest
from jackfield.files.library import Library
from jackfield.workbench import Workbench
from jackfield_web.documentation import PARTS, PRECONDITION
from jackfield_web.errors import ErrorBody
from jackfield_web.identity.rights import needs
from jackfield_web.library.asked import (
    ASKED,
    CONDITIONAL,
    LIBRARY,
    At,
    Change,
    IfMatch,
    IfNoneMatch,
    Path,
    Reason,
    Version,
    expected_version,
    point_of,
    told,
)
from jackfield_web.library.content import OCTETS, BytesOperation, arriving, sent

Known = Annotated[
    str | None, HeaderParameter(name="if-none-match", description="A version that one has, by its `ETag`: 304 then.")
]
Wanted = Annotated[
    str | None, HeaderParameter(name="range", description="Only these bytes, such as `bytes=1000-`: 206 then.")
]


class ContentController(Controller):
    """Files' bytes, as streams either way."""

    path = "/api/files/collections/{collection:str}/content"
    tags = ("Semantic files",)
    dependencies = LIBRARY
    exception_handlers = CONDITIONAL

    @get(
        operation_id="readFile",
        opt=needs("follow"),
        response_description="The bytes",
        media_type=OCTETS,
        summary="Read a file, or any version of it",
        responses=ASKED | PARTS,
    )
    async def read(
        self,
        collection: FromPath[str],
        request: Request[Any, Any, Any],
        library: NamedDependency[Library],
        path: Path,
        version: Version = None,
        at: At = None,
        known: Known = None,
        wanted: Wanted = None,
    ) -> Stream | Response[bytes] | Response[ErrorBody]:
        """The newest version, unless a number or a time says another. `ETag` tells it from every other."""
        opened = await (await library.opened(collection)).read(path, point_of(version, at))
        return await sent(opened, request.headers)

    @put(
        operation_id="writeFile",
        opt=needs("inference"),
        operation_class=BytesOperation,
        response_description="The file as it is now",
        summary="Create a file, or write a new version of it",
        description="The body is the file. `If-None-Match: *` only creates; `If-Match` only replaces that version.",
        request_max_body_size=None,
        responses=ASKED | PRECONDITION,
    )
    async def write(
        self,
        collection: FromPath[str],
        request: Request[Any, Any, Any],
        workbench: NamedDependency[Workbench],
        library: NamedDependency[Library],
        path: Path,
        reason: Reason = "",
        change: Change = "",
        if_match: IfMatch = None,
        if_none_match: IfNoneMatch = None,
    ) -> Response[Written]:
        """The bytes that are there already make no version: `changed` is false then."""
        _check_length(request, workbench)
        opened = await library.opened(collection, "write")
        expected = await expected_version(opened, path, if_match, if_none_match)
        written = await opened.write(path, arriving(request), reason=reason, expected=expected, change=change)
        return told(written)

    @post(
        operation_id="appendToFile",
        opt=needs("inference"),
        operation_class=BytesOperation,
        response_description="The file as it is now",
        status_code=200,
        summary="Add to the end of a file",
        description="However many append at once, nothing of it is lost.",
        request_max_body_size=None,
        responses=ASKED,
    )
    async def append(
        self,
        collection: FromPath[str],
        request: Request[Any, Any, Any],
        workbench: NamedDependency[Workbench],
        library: NamedDependency[Library],
        path: Path,
        reason: Reason = "",
        change: Change = "",
    ) -> Response[Written]:
        """The body is what comes behind the newest version."""
        _check_length(request, workbench)
        opened = await library.opened(collection, "write")
        written = await opened.append(path, arriving(request), reason=reason, change=change)
        return told(written)


def _check_length(request: Request[Any, Any, Any], workbench: Workbench) -> None:
    """Raises InvalidRequest for a body that is said to be too large before any of it was read."""
    said = request.headers.get("content-length", "")
    most = workbench.settings.files.largest_mb
    if said.isdigit() and int(said) > most << 20:
        raise InvalidRequest(f"The file is larger than {most} MiB, the most that is taken (files.largest_mb).")
