"""/v1/files: upload, list, look, read, delete."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from litestar import Controller, Request, delete, get, post
from litestar.di import NamedDependency
from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIFormat, OpenAPIType
from litestar.params import FromPath, QueryParameter
from litestar.response import Stream

from jackfield.contracts.identity import Principal
from jackfield.contracts.uploads import Upload
from jackfield.errors import UploadNotFound
from jackfield.identity.local_mode import account_of
from jackfield.identity.roles import seen_user
from jackfield.workbench import Workbench
from jackfield_web.documentation import BAD_PARAMETER, NOT_FOUND, UPLOAD_ERRORS
from jackfield_web.files.receiving import PURPOSES, drop_unused, received_upload
from jackfield_web.files.replies import FileDeleted, FileList, FileObject
from jackfield_web.files.sending import content_response
from jackfield_web.identity.rights import check_owner, needs

Limit = Annotated[int, QueryParameter(description="How many at most.", ge=1, le=10_000)]
After = Annotated[str | None, QueryParameter(description="Only those that come behind this file.")]
Order = Annotated[Literal["asc", "desc"], QueryParameter(description="Oldest or newest first.")]
OfPurpose = Annotated[str | None, QueryParameter(name="purpose", description="Only files of this purpose.")]


@dataclass
class UploadOperation(Operation):
    """An operation whose body is read part by part, which Litestar therefore does not know of."""

    def __post_init__(self) -> None:
        file = Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY, description="The file.")
        purpose = Schema(type=OpenAPIType.STRING, enum=list(PURPOSES), description="What it is for.")
        schema = Schema(
            type=OpenAPIType.OBJECT,
            properties={"purpose": purpose, "file": file},
            required=["file", "purpose"],
            additional_properties=False,
        )
        self.request_body = RequestBody(content={"multipart/form-data": OpenAPIMediaType(schema=schema)}, required=True)


class FileController(Controller):
    """Uploaded files."""

    path = "/v1/files"
    tags = ("Files",)

    @post(
        status_code=200,
        operation_id="createFile",
        operation_class=UploadOperation,
        response_description="The file",
        summary="Upload a file",
        responses=UPLOAD_ERRORS,
        request_max_body_size=None,
        opt=needs("inference"),
    )
    async def upload(
        self,
        request: Request[Any, Any, Any],
        workbench: NamedDependency[Workbench],
        principal: NamedDependency[Principal],
    ) -> FileObject:
        """Its bytes are kept once, however often they are uploaded."""
        return FileObject.of(await received_upload(request, workbench, account_of(principal)))

    @get(
        operation_id="listFiles",
        response_description="A page of them",
        summary="List uploaded files",
        responses=BAD_PARAMETER,
        opt=needs("read"),
    )
    async def page(
        self,
        workbench: NamedDependency[Workbench],
        principal: NamedDependency[Principal],
        limit: Limit = 100,
        after: After = None,
        order: Order = "desc",
        purpose: OfPurpose = None,
    ) -> FileList:
        """One's own; all of them for whoever sees all."""
        behind = {"before": after} if order == "desc" else {"after": after or ""}
        found = await workbench.uploads.page(owner_id=seen_user(principal), purpose=purpose, limit=limit + 1, **behind)
        files = [FileObject.of(upload) for upload in found[:limit]]
        return FileList(
            data=files,
            first_id=files[0].id if files else None,
            last_id=files[-1].id if files else None,
            has_more=len(found) > limit,
        )

    @get(
        "/{file_id:str}",
        operation_id="getFile",
        response_description="The file",
        summary="Look at a file",
        responses=NOT_FOUND,
        opt=needs("follow"),
    )
    async def look(
        self,
        file_id: FromPath[str],
        workbench: NamedDependency[Workbench],
        principal: NamedDependency[Principal],
    ) -> FileObject:
        """Its name, purpose and size."""
        return FileObject.of(await _found(file_id, workbench, principal))

    @get(
        "/{file_id:str}/content",
        operation_id="getFileContent",
        response_description="The bytes",
        media_type="application/octet-stream",
        summary="Read a file",
        responses=NOT_FOUND,
        opt=needs("follow"),
    )
    async def content(
        self,
        file_id: FromPath[str],
        workbench: NamedDependency[Workbench],
        principal: NamedDependency[Principal],
    ) -> Stream:
        """As it was uploaded."""
        return await content_response(await _found(file_id, workbench, principal), workbench.blobs)

    @delete(
        "/{file_id:str}",
        status_code=200,
        operation_id="deleteFile",
        response_description="That it is gone",
        summary="Delete a file",
        responses=NOT_FOUND,
        opt=needs("inference"),
    )
    async def remove(
        self,
        file_id: FromPath[str],
        workbench: NamedDependency[Workbench],
        principal: NamedDependency[Principal],
    ) -> FileDeleted:
        """Its bytes go too, unless another upload has the same."""
        upload = await _found(file_id, workbench, principal)
        if await workbench.uploads.remove(upload.id) is None:
            raise _missing(file_id)
        await drop_unused(workbench, upload.digest)
        return FileDeleted(id=upload.id)


async def _found(file_id: str, workbench: Workbench, principal: Principal) -> Upload:
    """An upload; raises UploadNotFound where there is none, or it is somebody else's."""
    upload = await workbench.uploads.get(file_id)
    if upload is None:
        raise _missing(file_id)
    check_owner(principal, upload.owner_id, _missing(file_id))
    return upload


def _missing(file_id: str) -> UploadNotFound:
    return UploadNotFound(f"There is no file '{file_id}'.")
