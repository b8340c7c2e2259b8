"""/api/files/search, /api/files/index and /api/files/verify: finding passages, and what finds them."""

from __future__ import annotations

from typing import Annotated

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter, RequestBody

from jackfield.contracts.files import SearchResult
from jackfield.files.library import Library
from jackfield_web.documentation import WithoutBody
from jackfield_web.identity.rights import needs
from jackfield_web.library.asked import ASKED, LIBRARY, SENT
from jackfield_web.library.bodies import Search, Verification
from jackfield_web.library.replies import Indexing, Retried, Verified

OfCollection = Annotated[str | None, QueryParameter(name="collection", description="Of one collection only.")]

QUICKLY = Verification()


class SearchController(Controller):
    """What is in files, found by words and by meaning."""

    path = "/api/files"
    tags = ("Semantic files",)
    dependencies = LIBRARY

    @post(
        "/search",
        operation_id="searchFiles",
        opt=needs("follow"),
        response_description="Passages, the best first",
        status_code=200,
        summary="Find passages that answer a question",
        responses=SENT,
    )
    async def search(self, data: RequestBody[Search], library: NamedDependency[Library]) -> SearchResult:
        """Each with its file's path, the version and the bytes of its text. `notice` says what could not be done."""
        return await library.search(
            data.text,
            collections=tuple(data.collections),
            under=data.under,
            mode=data.mode,
            limit=data.limit,
            whole_files=data.whole_files,
            rerank=data.rerank,
        )

    @get(
        "/index",
        operation_id="getFileIndexing",
        opt=needs("read"),
        response_description="How far it is",
        summary="How far is indexing?",
        responses=ASKED,
    )
    async def indexing(self, library: NamedDependency[Library], collection: OfCollection = None) -> Indexing:
        """Files are found by words and meaning once they are indexed."""
        return Indexing.of(await library.indexing(collection))

    @post(
        "/collections/{collection:str}/index/retry",
        operation_id="retryFileIndexing",
        opt=needs("inference"),
        response_description="How many",
        status_code=200,
        summary="Try again to read what could not be read",
        responses=ASKED,
    )
    async def retry(self, collection: FromPath[str], library: NamedDependency[Library]) -> Retried:
        """Such as after a format has become readable."""
        return Retried(await (await library.opened(collection, "write")).retry_index())

    @post(
        "/verify",
        operation_id="verifyFiles",
        opt=needs("manage"),
        operation_class=WithoutBody,
        response_description="Every fault",
        status_code=200,
        summary="Hold files, versions, bytes and index against each other",
        responses=SENT,
    )
    async def verify(self, library: NamedDependency[Library], data: RequestBody[Verification] = QUICKLY) -> Verified:
        """Of all collections. It may take minutes."""
        return Verified.of(await library.verify(deep=data.deep, repair=data.repair))
