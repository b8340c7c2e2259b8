"""/api/keys."""

from __future__ import annotations

from typing import Annotated

from litestar import Controller, Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter, RequestBody

from jackfield.contracts.identity import ApiKey, Principal
from jackfield.errors import KeyNotFound, NotAllowed
from jackfield.identity.audit import Actor
from jackfield.identity.desk import Identity
from jackfield.identity.keys import NewKey, check_maker
from jackfield.identity.roles import sees_all
from jackfield_web.identity.asked import LISTED, LOOKED_AT, MANAGING, SENT, Before, Limit
from jackfield_web.identity.bodies import KeyAddition
from jackfield_web.identity.rights import check_owner, needs

Owner = Annotated[str | None, QueryParameter(description="Only this user's; an admin sees all users' otherwise.")]


class KeyController(Controller):
    """API keys: one's own, and for admins everybody's."""

    path = "/api/keys"
    tags = ("Identity",)
    opt = needs("keys")
    dependencies = MANAGING

    @get(operation_id="listKeys", response_description="The newest", summary="List API keys", responses=LISTED)
    async def newest(
        self,
        identity: NamedDependency[Identity],
        principal: NamedDependency[Principal],
        user_id: Owner = None,
        limit: Limit = 50,
        before: Before = None,
    ) -> list[ApiKey]:
        """The newest first, also those that were revoked or have expired."""
        if not sees_all(principal):
            user_id = _own(principal, user_id)
        return list(await identity.keys.page(user_id=user_id, limit=limit, before=before))

    @post(
        operation_id="makeKey",
        response_description="The key and its secret, which is shown only now",
        summary="Make an API key",
        description="For oneself, or as an admin for another. A key never may do more than its owner.",
        responses=SENT,
    )
    async def make(
        self,
        data: RequestBody[KeyAddition],
        identity: NamedDependency[Identity],
        principal: NamedDependency[Principal],
        actor: NamedDependency[Actor],
    ) -> Response[NewKey]:
        """Of the secret only a hash is kept."""
        owner_id = (data.user_id or principal.account.user_id) if sees_all(principal) else _own(principal, data.user_id)
        owner = await identity.users.get(owner_id)
        wish = data.wish(owner.role)
        check_maker(principal, wish)
        made = await identity.keys.make(actor, owner, wish)
        return Response(made, headers={"location": f"/api/keys/{made.key.id}"})

    @get(
        "/{key_id:str}",
        operation_id="getKey",
        response_description="The key",
        summary="Look at an API key",
        responses=LOOKED_AT,
    )
    async def look(
        self, key_id: FromPath[str], identity: NamedDependency[Identity], principal: NamedDependency[Principal]
    ) -> ApiKey:
        """Without its secret, which nobody knows but who wrote it down."""
        key = await identity.keys.get(key_id)
        check_owner(principal, key.user_id, KeyNotFound(f"There is no key '{key_id}'."))
        return key

    @delete(
        "/{key_id:str}",
        operation_id="revokeKey",
        response_description="Revoked",
        summary="Revoke an API key",
        description="For good: at once in this process, within two seconds in others. It stays on record.",
        status_code=204,
        responses=LOOKED_AT,
    )
    async def revoke(
        self,
        key_id: FromPath[str],
        identity: NamedDependency[Identity],
        principal: NamedDependency[Principal],
        actor: NamedDependency[Actor],
    ) -> None:
        """A key that was revoked already stays so."""
        key = await identity.keys.get(key_id)
        check_owner(principal, key.user_id, KeyNotFound(f"There is no key '{key_id}'."))
        await identity.keys.revoke(actor, key_id)


def _own(principal: Principal, user_id: str | None) -> str:
    if user_id not in (None, principal.account.user_id):
        raise NotAllowed("You may look after your own keys only; an admin can look after others'.")
    return principal.account.user_id
