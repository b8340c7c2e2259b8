"""/shared: files that somebody was given a link to."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Controller, Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter
from litestar.response import Stream

from jackfield.files.shared import opened_file, page, path_below
from jackfield.workbench import Workbench
from jackfield_web.documentation import NOT_FOUND, PARTS, SHARED_ERRORS
from jackfield_web.errors import ErrorBody
from jackfield_web.identity.recognise import address_of
from jackfield_web.identity.rights import PUBLIC
from jackfield_web.library.content import NEVER_SHOWN, OCTETS, sent
from jackfield_web.library.replies import SharedFile, SharedFolder

After = Annotated[str, QueryParameter(description="Of a folder: only files behind this path.")]
LISTED = 1000


class SharedController(Controller):
    """What a link's token lets anybody read; the token is all that is asked for."""

    path = "/shared"
    tags = ("Semantic files",)
    opt = PUBLIC

    @get(
        "/{token:str}",
        operation_id="readShared",
        response_description="A file's bytes, or what is in a folder",
        summary="Read what a link shows",
        responses=NOT_FOUND | SHARED_ERRORS | PARTS,
    )
    async def read(
        self,
        token: FromPath[str],
        request: Request[Any, Any, Any],
        workbench: NamedDependency[Workbench],
        after: After = "",
    ) -> Stream | Response[SharedFolder] | Response[bytes] | Response[ErrorBody]:
        """A file is always sent to be kept, and never shown as a page of this server."""
        store = workbench.semantic.files
        link = await workbench.libraries.shared.link(store, token, address=address_of(request))
        if not link.folder:
            return await sent(await opened_file(store, link), request.headers)
        files = await page(store, link, after=after, limit=LISTED + 1)
        listed = [SharedFile(path=path_below(link, one.path), size=one.size, version=one.version) for one in files]
        more = listed[LISTED - 1].path if len(listed) > LISTED else None
        return Response(SharedFolder(data=listed[:LISTED], next=more), headers=NEVER_SHOWN)

    @get(
        "/{token:str}/{below:path}",
        operation_id="readSharedBelow",
        response_description="The file's bytes",
        media_type=OCTETS,
        summary="Read a file below a shared folder",
        responses=NOT_FOUND | SHARED_ERRORS | PARTS,
    )
    async def below(
        self,
        token: FromPath[str],
        below: FromPath[str],
        request: Request[Any, Any, Any],
        workbench: NamedDependency[Workbench],
    ) -> Stream | Response[bytes] | Response[ErrorBody]:
        """Always its newest version."""
        store = workbench.semantic.files
        link = await workbench.libraries.shared.link(store, token, address=address_of(request))
        return await sent(await opened_file(store, link, below.removeprefix("/")), request.headers)
