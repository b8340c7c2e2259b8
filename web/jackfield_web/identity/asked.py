"""What management routes have in common: who acts, on what, and how lists are asked for."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Request
from litestar.di import NamedDependency, Provide
from litestar.params import QueryParameter

from jackfield.contracts.identity import Principal
from jackfield.errors import NotFound
from jackfield.identity.audit import Actor
from jackfield.identity.desk import Identity
from jackfield_web.documentation import BAD_BODY, BAD_PARAMETER, CONFLICT, NOT_FOUND
from jackfield_web.identity.recognise import address_of

Limit = Annotated[int, QueryParameter(description="How many at most.", ge=1, le=500)]
Before = Annotated[
    str | None, QueryParameter(description="Only those older than this one: the identifier of the last one seen.")
]

LISTED = NOT_FOUND
LOOKED_AT = NOT_FOUND
REMOVED = NOT_FOUND | CONFLICT
CHANGED = NOT_FOUND | CONFLICT | BAD_BODY
SENT = BAD_PARAMETER | NOT_FOUND | CONFLICT | BAD_BODY
"""What management routes can end with, beside 401 and 403; 404 also while identity is off."""


def identity_dependency(request: Request[Any, Any, Any]) -> Identity:
    """The dependency `identity`; raises NotFound where it is switched off."""
    identity: Identity | None = request.app.state.workbench.identity
    if identity is None:
        raise NotFound(
            "This server asks nobody who they are, so there is nothing to manage; "
            "switch identity on with JACKFIELD_IDENTITY__ENABLED=true."
        )
    return identity


def actor_dependency(request: Request[Any, Any, Any], principal: NamedDependency[Principal]) -> Actor:
    """The dependency `actor`: who does it, as the audit log names them."""
    return Actor.of(principal, address_of(request))


DESK = {"identity": Provide(identity_dependency, sync_to_thread=False)}
MANAGING = {
    **DESK,
    "actor": Provide(actor_dependency, sync_to_thread=False),
}
"""The dependencies of management controllers."""
