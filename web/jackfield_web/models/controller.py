"""GET /v1/models, and which of them are loaded."""

from __future__ import annotations

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from jackfield.contracts.identity import Principal
from jackfield.identity.roles import has_model
from jackfield.models.residents import LoadedModel
from jackfield.workbench import Workbench
from jackfield_web.documentation import NOT_FOUND
from jackfield_web.identity.rights import needs
from jackfield_web.models.replies import Model, ModelList


class ModelController(Controller):
    """Installed models."""

    path = "/"
    tags = ("Models",)
    opt = needs("models")

    @get(
        "/v1/models", operation_id="listModels", response_description="All of them", summary="List the installed models"
    )
    async def all(self, workbench: NamedDependency[Workbench], principal: NamedDependency[Principal]) -> ModelList:
        """In the order of their names; adapters, which answer nothing by themselves, are not among them.

        A key for some models sees only these.
        """
        models = [model for model in await workbench.models.all() if not model.description.is_adapter]
        return ModelList(data=[Model.of(model) for model in models if has_model(principal, model.name)])

    @get(
        "/v1/models/{name:path}",
        operation_id="getModel",
        response_description="The model",
        summary="Look at one model",
        responses=NOT_FOUND,
    )
    async def one(
        self, name: FromPath[str], workbench: NamedDependency[Workbench], principal: NamedDependency[Principal]
    ) -> Model:
        """Names may have slashes."""
        return Model.of(await workbench.seen_model(name.removeprefix("/"), principal))

    @get(
        "/api/models/loaded",
        operation_id="listLoadedModels",
        response_description="All of them",
        summary="List the models in memory",
    )
    async def loaded(
        self, workbench: NamedDependency[Workbench], principal: NamedDependency[Principal]
    ) -> list[LoadedModel]:
        """In the order they were loaded; a key for some models sees only these."""
        return [model for model in workbench.residency.loaded() if has_model(principal, model.name)]
