"""/api/files/collections."""

from __future__ import annotations

from typing import Annotated

from litestar import Controller, Response, delete, get, patch, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter, RequestBody

from jackfield.contracts.files import Collection, Grant
from jackfield.errors import InvalidRequest
from jackfield.files.library import Library
from jackfield.workbench import Workbench
from jackfield_web.identity.rights import needs
from jackfield_web.library.asked import ADMINISTERED, ASKED, READ, SENT, Notes
from jackfield_web.library.bodies import CollectionAddition, CollectionPatch, GrantSet, QuotaSet
from jackfield_web.library.holders import NAMED, granted_id, holder_id
from jackfield_web.library.replies import CollectionList

Kind = Annotated[str, QueryParameter(description="Whose grant.", schema_extra={"enum": ["user", "team", "everyone"]})]
HolderId = Annotated[str, QueryParameter(name="id", description=NAMED)]


class CollectionController(Controller):
    """Collections of files."""

    path = "/api/files/collections"
    tags = ("Semantic files",)
    dependencies = ADMINISTERED

    @get(
        operation_id="listCollections",
        opt=needs("read"),
        response_description="Those that one may read",
        summary="List the collections",
        responses=READ,
    )
    async def all(self, library: NamedDependency[Library]) -> CollectionList:
        """In the order of their names."""
        return CollectionList(data=list(await library.collections()), default=library.default)

    @post(
        operation_id="addCollection",
        opt=needs("inference"),
        response_description="The collection",
        summary="Add a collection",
        responses=SENT,
    )
    async def add(
        self, data: RequestBody[CollectionAddition], library: NamedDependency[Library], notes: NamedDependency[Notes]
    ) -> Response[Collection]:
        """It is one's own; grants let others in."""
        collection = await library.add(data.name)
        await notes.note("collection.add", collection.id, name=collection.name)
        return Response(collection, headers={"location": f"/api/files/collections/{collection.name}"})

    @get(
        "/{collection:str}",
        operation_id="getCollection",
        opt=needs("follow"),
        response_description="The collection",
        summary="Look at a collection",
        responses=ASKED,
    )
    async def look(self, collection: FromPath[str], library: NamedDependency[Library]) -> Collection:
        """How many files it holds, how many bytes, and who may do what. The default one is made when first used."""
        return (await library.opened(collection)).collection

    @patch(
        "/{collection:str}",
        operation_id="renameCollection",
        opt=needs("inference"),
        response_description="The collection",
        summary="Rename a collection",
        responses=SENT,
    )
    async def rename(
        self,
        collection: FromPath[str],
        data: RequestBody[CollectionPatch],
        library: NamedDependency[Library],
        notes: NamedDependency[Notes],
    ) -> Collection:
        """Files, versions and links stay as they are."""
        renamed = await library.rename(collection, data.name)
        await notes.note("collection.rename", renamed.id, old=collection, new=renamed.name)
        return renamed

    @delete(
        "/{collection:str}",
        operation_id="removeCollection",
        opt=needs("inference"),
        response_description="Removed",
        summary="Remove a collection for good",
        description="With every version of its files; only once they are all deleted.",
        status_code=204,
        responses=ASKED,
    )
    async def remove(
        self, collection: FromPath[str], library: NamedDependency[Library], notes: NamedDependency[Notes]
    ) -> None:
        """Nothing brings it back."""
        await library.remove(collection)
        await notes.note("collection.remove", collection)

    @put(
        "/{collection:str}/quota",
        operation_id="setCollectionQuota",
        opt=needs("manage"),
        response_description="The collection",
        summary="Say how much room a collection has",
        responses=SENT,
    )
    async def set_quota(
        self,
        collection: FromPath[str],
        data: RequestBody[QuotaSet],
        library: NamedDependency[Library],
        notes: NamedDependency[Notes],
    ) -> Collection:
        """For admins. What is there already stays."""
        changed = await library.set_quota(collection, data.bytes)
        await notes.note("collection.quota", changed.id, name=changed.name, bytes=data.bytes)
        return changed

    @put(
        "/{collection:str}/grants",
        operation_id="grantCollection",
        opt=needs("inference"),
        response_description="The collection",
        summary="Let somebody read, write or manage a collection",
        responses=SENT,
    )
    async def grant(
        self,
        collection: FromPath[str],
        data: RequestBody[GrantSet],
        workbench: NamedDependency[Workbench],
        library: NamedDependency[Library],
        notes: NamedDependency[Notes],
    ) -> Collection:
        """It replaces what they were granted before."""
        await library.opened(collection, "manage")
        holder = await holder_id(workbench.identity, data.kind, data.id)
        changed = await library.grant(collection, Grant(kind=data.kind, id=holder, level=data.level))
        await notes.note(
            "collection.grant", changed.id, name=changed.name, to=f"{data.kind} {holder}".strip(), level=data.level
        )
        return changed

    @delete(
        "/{collection:str}/grants",
        operation_id="withdrawCollectionGrant",
        opt=needs("inference"),
        response_description="The collection",
        summary="Take a grant back",
        status_code=200,
        responses=ASKED,
    )
    async def withdraw(
        self,
        collection: FromPath[str],
        kind: Kind,
        workbench: NamedDependency[Workbench],
        library: NamedDependency[Library],
        notes: NamedDependency[Notes],
        named: HolderId = "",
    ) -> Collection:
        """It holds at once."""
        match kind:
            case "user" | "team" | "everyone":
                opened = await library.opened(collection, "manage")
                holder = await granted_id(workbench.identity, opened.collection, kind, named)
                changed = await library.withdraw(collection, kind, holder)
            case _:
                raise InvalidRequest(f"'kind' is '{kind}'; expected user, team or everyone.", parameter="kind")
        await notes.note("collection.withdraw", changed.id, name=changed.name, of=f"{kind} {holder}".strip())
        return changed
