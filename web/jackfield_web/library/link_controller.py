"""/api/files/collections/{collection}/links: letting others read without being known here."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from litestar import Controller, Request, Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, RequestBody

from jackfield.contracts.files import Link
from jackfield.errors import InvalidRequest
from jackfield.files.library import Library
from jackfield_web.identity.rights import needs
from jackfield_web.library.asked import ADMINISTERED, ASKED, SENT, Notes
from jackfield_web.library.bodies import LinkAddition
from jackfield_web.library.replies import LinkList, NewLink


class LinkController(Controller):
    """Share links."""

    path = "/api/files/collections/{collection:str}/links"
    tags = ("Semantic files",)
    dependencies = ADMINISTERED

    @get(
        operation_id="listFileLinks",
        opt=needs("read"),
        response_description="Its links",
        summary="List a collection's links",
        responses=ASKED,
    )
    async def all(self, collection: FromPath[str], library: NamedDependency[Library]) -> LinkList:
        """Also those that hold no longer, for whoever may write there."""
        return LinkList(data=list(await library.links(collection)))

    @post(
        operation_id="addFileLink",
        opt=needs("inference"),
        response_description="The link with its address, which is shown this once",
        summary="Let others read a file or a folder",
        responses=SENT,
    )
    async def add(
        self,
        collection: FromPath[str],
        data: RequestBody[LinkAddition],
        request: Request[Any, Any, Any],
        library: NamedDependency[Library],
        notes: NamedDependency[Notes],
    ) -> Response[NewLink]:
        """Whoever has the address may read until it expires or is revoked."""
        if data.expires_at is not None and data.expires_at <= datetime.now(UTC):
            raise InvalidRequest("'expires_at' has passed already.", parameter="expires_at")
        if data.folder and data.version is not None:
            raise InvalidRequest("A folder has no versions; leave 'version' out.", parameter="version")
        opened = await library.opened(collection, "write")
        link, token = await opened.link(data.path, folder=data.folder, version=data.version, expires_at=data.expires_at)
        await notes.note("link.add", link.id, collection=collection, path=data.path)
        return Response(NewLink(link=link, token=token, url=f"{_site(request)}/shared/{token}"))

    @delete(
        "/{link_id:str}",
        operation_id="revokeFileLink",
        opt=needs("inference"),
        response_description="The link",
        status_code=200,
        summary="Let a link hold no longer",
        responses=ASKED,
    )
    async def revoke(
        self,
        collection: FromPath[str],
        link_id: FromPath[str],
        library: NamedDependency[Library],
        notes: NamedDependency[Notes],
    ) -> Link:
        """At once."""
        link = await (await library.opened(collection, "write")).revoke(link_id)
        await notes.note("link.revoke", link.id, collection=collection, path=link.path)
        return link


def _site(request: Request[Any, Any, Any]) -> str:
    """How this server is reached: as settings say, else as this request reached it."""
    identity = request.app.state.workbench.settings.identity
    if identity.enabled and identity.public_url:
        return str(identity.public_url).rstrip("/")
    return f"{request.base_url.scheme}://{request.base_url.netloc}"
