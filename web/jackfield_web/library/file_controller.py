"""/api/files/collections/{collection}: which files there are, what is in them, and what they were."""

from __future__ import annotations

from typing import Annotated

from litestar import Controller, Response, delete, get
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from jackfield.contracts.files import Point, StoredFile, Written
from jackfield.files.difference import difference
from jackfield.files.library import Library
from jackfield_web.documentation import PRECONDITION
from jackfield_web.identity.rights import needs
from jackfield_web.library.asked import (
    ASKED,
    CONDITIONAL,
    LIBRARY,
    MOST_VERSIONS,
    At,
    Change,
    Deleted,
    IfMatch,
    Path,
    Reason,
    Under,
    Version,
    expected_version,
    instant,
    point_of,
    told,
)
from jackfield_web.library.replies import FileDifference, FilePage, FileText, History

Limit = Annotated[int, QueryParameter(description="How many at most.", ge=1, le=1000)]
After = Annotated[str, QueryParameter(description="Only those behind this path, the last one seen.")]
Since = Annotated[
    str | None,
    QueryParameter(description="Only those from this time on, in ISO 8601.", schema_extra={"format": "date-time"}),
]
Old = Annotated[int | None, QueryParameter(description="The one before it if left out.", ge=1, le=MOST_VERSIONS)]
New = Annotated[int | None, QueryParameter(description="The newest if left out.", ge=1, le=MOST_VERSIONS)]


class LibraryFileController(Controller):
    """Files of a collection."""

    path = "/api/files/collections/{collection:str}"
    tags = ("Semantic files",)
    dependencies = LIBRARY

    @get(
        "/files",
        operation_id="listLibraryFiles",
        opt=needs("read"),
        response_description="A page of them",
        summary="List the files of a collection",
        responses=ASKED,
    )
    async def page(
        self,
        collection: FromPath[str],
        library: NamedDependency[Library],
        under: Under = "",
        deleted: Deleted = False,
        limit: Limit = 100,
        after: After = "",
    ) -> FilePage:
        """In the order of their paths."""
        opened = await library.opened(collection)
        files = await opened.page(under=under, deleted=deleted, limit=limit + 1, after=after)
        return FilePage(data=list(files[:limit]), next=files[limit - 1].path if len(files) > limit else None)

    @get(
        "/file",
        operation_id="getLibraryFile",
        opt=needs("follow"),
        response_description="The file",
        summary="Look at a file",
        responses=ASKED,
    )
    async def look(
        self, collection: FromPath[str], library: NamedDependency[Library], path: Path, deleted: Deleted = False
    ) -> StoredFile:
        """Its newest version, who holds it, and how far it is indexed."""
        return await (await library.opened(collection)).look(path, deleted=deleted)

    @delete(
        "/file",
        operation_id="deleteLibraryFile",
        opt=needs("inference"),
        response_description="The file as it is now",
        status_code=200,
        summary="Delete a file",
        exception_handlers=CONDITIONAL,
        responses=ASKED | PRECONDITION,
    )
    async def remove(
        self,
        collection: FromPath[str],
        library: NamedDependency[Library],
        path: Path,
        reason: Reason = "",
        change: Change = "",
        if_match: IfMatch = None,
    ) -> Response[Written]:
        """Every version stays until it is purged, and it can be brought back."""
        opened = await library.opened(collection, "write")
        expected = await expected_version(opened, path, if_match)
        return told(await opened.delete(path, reason=reason, expected=expected, change=change))

    @get(
        "/text",
        operation_id="readFileText",
        opt=needs("follow"),
        response_description="The text",
        summary="Read the text of a file, whatever its format",
        responses=ASKED,
    )
    async def text(
        self,
        collection: FromPath[str],
        library: NamedDependency[Library],
        path: Path,
        version: Version = None,
        at: At = None,
    ) -> FileText:
        """What was read out of a version, such as of a PDF; the spans of citations are of this text."""
        text = await (await library.opened(collection)).text(path, point_of(version, at))
        return FileText(path=path, text=text)

    @get(
        "/history",
        operation_id="getFileHistory",
        opt=needs("follow"),
        response_description="Its versions, the oldest first",
        summary="What was a file before?",
        responses=ASKED,
    )
    async def history(
        self, collection: FromPath[str], library: NamedDependency[Library], path: Path, deleted: Deleted = False
    ) -> History:
        """Every version, by whom and why."""
        return History(data=list(await (await library.opened(collection)).history(path, deleted=deleted)))

    @get(
        "/changes",
        operation_id="listFileChanges",
        opt=needs("read"),
        response_description="Versions of all files, the newest first",
        summary="What was changed in a collection?",
        responses=ASKED,
    )
    async def changes(
        self,
        collection: FromPath[str],
        library: NamedDependency[Library],
        since: Since = None,
        limit: Limit = 100,
    ) -> History:
        """Each names the change that it was part of, which can be undone."""
        from_then_on = instant(since, "since") if since is not None else None
        opened = await library.opened(collection)
        return History(data=list(await opened.changes(since=from_then_on, limit=limit)))

    @get(
        "/difference",
        operation_id="compareFileVersions",
        opt=needs("follow"),
        response_description="The versions, and their texts' difference",
        summary="What differs between two versions of a file?",
        responses=ASKED,
    )
    async def difference(
        self,
        collection: FromPath[str],
        library: NamedDependency[Library],
        path: Path,
        old: Old = None,
        new: New = None,
    ) -> FileDifference:
        """As a unified diff."""
        found = await difference(
            await library.opened(collection),
            path,
            Point(number=old) if old else None,
            Point(number=new) if new else None,
        )
        return FileDifference(path=path, old=found.old, new=found.new, unified=found.unified, reason=found.reason)
