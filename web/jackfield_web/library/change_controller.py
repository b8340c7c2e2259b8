"""/api/files/collections/{collection}: what is done to files that are there, each as a new version."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import Annotated

from litestar import Controller, Response, delete, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter, RequestBody

from jackfield.contracts.files import StoredFile, Written
from jackfield.errors import InvalidRequest
from jackfield.files.library import Library
from jackfield_web.documentation import PRECONDITION
from jackfield_web.identity.rights import needs
from jackfield_web.library.asked import (
    ADMINISTERED,
    ASKED,
    CONDITIONAL,
    SENT,
    IfMatch,
    Notes,
    Path,
    expected_version,
    point_of,
    told,
)
from jackfield_web.library.bodies import Locking, PathOnly, Renaming, Rollback, Undeletion, Undoing
from jackfield_web.library.replies import Purged

Force = Annotated[bool, QueryParameter(description="Also what somebody else locked; it takes the level `manage`.")]

changing = partial(
    post, opt=needs("inference"), response_description="The file as it is now", status_code=200, responses=SENT
)


class ChangeController(Controller):
    """Changes that bring no bytes of their own. Nothing is lost by any of them but by a purge."""

    path = "/api/files/collections/{collection:str}"
    tags = ("Semantic files",)
    dependencies = ADMINISTERED
    exception_handlers = CONDITIONAL

    @changing(
        "/rollback", operation_id="rollBackFile", summary="Bring an older version back", responses=SENT | PRECONDITION
    )
    async def rollback(
        self,
        collection: FromPath[str],
        data: RequestBody[Rollback],
        library: NamedDependency[Library],
        if_match: IfMatch = None,
    ) -> Response[Written]:
        """As a new version, which the next search sees."""
        point = point_of(data.version, data.at)
        if data.version is None and data.at is None:
            raise InvalidRequest("Say which version to bring back by 'version' or by 'at'.", parameter="version")
        opened = await library.opened(collection, "write")
        expected = await expected_version(opened, data.path, if_match)
        return told(await opened.rollback(data.path, point, reason=data.reason, expected=expected, change=data.change))

    @changing("/rename", operation_id="renameFile", summary="Rename a file")
    async def rename(
        self, collection: FromPath[str], data: RequestBody[Renaming], library: NamedDependency[Library]
    ) -> Response[Written]:
        """Its history goes with it."""
        opened = await library.opened(collection, "write")
        return told(await opened.rename(data.path, data.new_path, reason=data.reason, change=data.change))

    @changing("/undelete", operation_id="undeleteFile", summary="Bring a deleted file back")
    async def undelete(
        self, collection: FromPath[str], data: RequestBody[Undeletion], library: NamedDependency[Library]
    ) -> Response[Written]:
        """The one that was deleted last at that path."""
        opened = await library.opened(collection, "write")
        return told(await opened.undelete(data.path, as_path=data.as_path, reason=data.reason, change=data.change))

    @changing(
        "/undo",
        operation_id="undoFileChange",
        response_description="The files as they are now",
        summary="Take back everything that one change did",
    )
    async def undo(
        self, collection: FromPath[str], data: RequestBody[Undoing], library: NamedDependency[Library]
    ) -> list[Written]:
        """All of it or, where one of its files was changed since, nothing."""
        return list(await (await library.opened(collection, "write")).undo(data.change, force=data.force))

    @put(
        "/lock",
        operation_id="lockFile",
        opt=needs("inference"),
        response_description="The file",
        summary="Keep others from changing a file",
        responses=SENT,
    )
    async def lock(
        self, collection: FromPath[str], data: RequestBody[Locking], library: NamedDependency[Library]
    ) -> StoredFile:
        """Until a time; it also prolongs a lock of one's own."""
        if data.until <= datetime.now(UTC):
            raise InvalidRequest("'until' has passed already.", parameter="until")
        return await (await library.opened(collection, "write")).lock(data.path, data.until)

    @delete(
        "/lock",
        operation_id="unlockFile",
        opt=needs("inference"),
        response_description="The file",
        status_code=200,
        summary="Let others change a file again",
        responses=ASKED,
    )
    async def unlock(
        self, collection: FromPath[str], library: NamedDependency[Library], path: Path, force: Force = False
    ) -> StoredFile:
        """With `force` also what somebody else locked, for whoever manages the collection."""
        opened = await library.opened(collection, "manage" if force else "write")
        return await opened.unlock(path, force=force)

    @changing(
        "/purge",
        operation_id="purgeFile",
        response_description="How many bytes that freed",
        summary="Forget a deleted file for good, with every version",
    )
    async def purge(
        self,
        collection: FromPath[str],
        data: RequestBody[PathOnly],
        library: NamedDependency[Library],
        notes: NamedDependency[Notes],
    ) -> Purged:
        """For whoever manages the collection. Nothing brings it back."""
        opened = await library.opened(collection, "manage")
        freed = await opened.purge(data.path)
        await notes.note("file.purge", opened.collection.id, name=collection, path=data.path)
        return Purged(freed)
