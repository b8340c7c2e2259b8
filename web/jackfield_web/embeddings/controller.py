"""POST /v1/embeddings."""

from __future__ import annotations

from typing import Any

from litestar import Controller, Request, post
from litestar.di import NamedDependency
from litestar.params import RequestBody

from jackfield.contracts.identity import Principal
from jackfield.workbench import Workbench
from jackfield_web.answers.departure import unless_gone
from jackfield_web.documentation import ANSWER_ERRORS
from jackfield_web.embeddings.replies import EmbeddingList, embedding_list
from jackfield_web.embeddings.requests import EmbeddingRequest, check_dimensions, embedded_texts
from jackfield_web.identity.rights import needs


class EmbeddingController(Controller):
    """Vectors."""

    path = "/v1/embeddings"
    tags = ("Embeddings",)
    opt = needs("inference")

    @post(
        status_code=200,
        operation_id="createEmbeddings",
        response_description="The vectors",
        summary="Turn texts into vectors",
        responses=ANSWER_ERRORS,
    )
    async def create(
        self,
        request: Request[Any, Any, Any],
        data: RequestBody[EmbeddingRequest],
        workbench: NamedDependency[Workbench],
        principal: NamedDependency[Principal],
    ) -> EmbeddingList:
        """Vectors of unit length, in the order of the texts."""
        texts = embedded_texts(data)
        model = await workbench.allowed_model(data.model, principal)
        embeddings = await unless_gone(request.receive, workbench.embed(model.name, texts, principal=principal))
        check_dimensions(data, model.name, embeddings.vectors.shape[1])
        return embedding_list(data, model.name, embeddings)
