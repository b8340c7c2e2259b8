"""GET /healthz and /readyz."""

from __future__ import annotations

from typing import Literal

import msgspec
from litestar import Controller, get
from litestar.di import NamedDependency

from jackfield.workbench import Workbench
from jackfield_web.documentation import NOT_READY
from jackfield_web.identity.rights import PUBLIC


class Health(msgspec.Struct, frozen=True):
    """All is well."""

    status: Literal["ok", "ready"]


class HealthController(Controller):
    """For whatever watches the server."""

    path = "/"
    tags = ("Health",)
    opt = PUBLIC

    @get("/healthz", operation_id="getHealth", response_description="It is", summary="Is the process alive?")
    async def alive(self) -> Health:
        """Answers as long as the event loop runs."""
        return Health("ok")

    @get(
        "/readyz",
        operation_id="getReadiness",
        response_description="It would",
        summary="Would a request be served now?",
        responses=NOT_READY,
    )
    async def ready(self, workbench: NamedDependency[Workbench]) -> Health:
        """503 with Retry-After while a model loads, no worker runs, or the database or Redis is out of reach."""
        await workbench.check()
        return Health("ready")
