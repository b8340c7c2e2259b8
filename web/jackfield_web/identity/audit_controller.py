"""GET /api/audit."""

from __future__ import annotations

from typing import Annotated

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from jackfield.contracts.identity import AuditEntry
from jackfield.identity.desk import Identity
from jackfield_web.identity.asked import DESK, LISTED, Before, Limit
from jackfield_web.identity.rights import needs

Actor = Annotated[str | None, QueryParameter(description="Only what this user did, by identifier, or 'command line'.")]
Action = Annotated[str | None, QueryParameter(description="Only actions that begin so, such as `user.`.")]


class AuditController(Controller):
    """What was done, for admins."""

    path = "/api/audit"
    tags = ("Identity",)
    opt = needs("manage")
    dependencies = DESK

    @get(
        operation_id="listAudit",
        response_description="The newest entries",
        summary="Who did what?",
        responses=LISTED,
    )
    async def newest(
        self,
        identity: NamedDependency[Identity],
        actor: Actor = None,
        action: Action = None,
        limit: Limit = 50,
        before: Before = None,
    ) -> list[AuditEntry]:
        """Every administrative act, the newest first; the log is only added to."""
        return list(await identity.audit.page(actor=actor, action=action, limit=limit, before=before))
