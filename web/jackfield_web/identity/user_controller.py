"""/api/users."""

from __future__ import annotations

from litestar import Controller, Response, delete, get, patch, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, RequestBody

from jackfield.contracts.identity import User
from jackfield.identity.audit import Actor
from jackfield.identity.desk import Identity
from jackfield_web.identity.asked import CHANGED, LISTED, LOOKED_AT, MANAGING, REMOVED, SENT, Before, Limit
from jackfield_web.identity.bodies import PasswordSet, UserAddition, UserPatch
from jackfield_web.identity.rights import needs


class UserController(Controller):
    """Users, for admins."""

    path = "/api/users"
    tags = ("Identity",)
    opt = needs("manage")
    dependencies = MANAGING

    @get(operation_id="listUsers", response_description="The newest", summary="List the users", responses=LISTED)
    async def newest(self, identity: NamedDependency[Identity], limit: Limit = 50, before: Before = None) -> list[User]:
        """The newest first."""
        return list(await identity.users.page(limit=limit, before=before))

    @post(operation_id="addUser", response_description="The user", summary="Add a user", responses=SENT)
    async def add(
        self,
        data: RequestBody[UserAddition],
        identity: NamedDependency[Identity],
        actor: NamedDependency[Actor],
    ) -> Response[User]:
        """To let them choose their password, invite them instead."""
        user = await identity.users.add(
            actor, email=data.email, name=data.name, role=data.role, team_id=data.team_id, password=data.password
        )
        return Response(user, headers={"location": f"/api/users/{user.id}"})

    @get(
        "/{user_id:str}",
        operation_id="getUser",
        response_description="The user",
        summary="Look at a user",
        responses=LOOKED_AT,
    )
    async def look(self, user_id: FromPath[str], identity: NamedDependency[Identity]) -> User:
        """By identifier."""
        return await identity.users.get(user_id)

    @patch(
        "/{user_id:str}",
        operation_id="changeUser",
        response_description="The user as they are now",
        summary="Change a user",
        description="Their name, address, role or team, and whether they may come in. An active admin is always left.",
        responses=CHANGED,
    )
    async def change(
        self,
        user_id: FromPath[str],
        data: RequestBody[UserPatch],
        identity: NamedDependency[Identity],
        actor: NamedDependency[Actor],
    ) -> User:
        """It holds at once here, and within two seconds in other processes."""
        return await identity.users.change(actor, user_id, data)

    @delete(
        "/{user_id:str}",
        operation_id="removeUser",
        response_description="Removed",
        summary="Remove a user",
        description="Their keys and sessions go with them. The last active admin stays.",
        status_code=204,
        responses=REMOVED,
    )
    async def remove(
        self, user_id: FromPath[str], identity: NamedDependency[Identity], actor: NamedDependency[Actor]
    ) -> None:
        """For good; to keep them out for a while, change `active`."""
        await identity.users.remove(actor, user_id)

    @put(
        "/{user_id:str}/password",
        operation_id="setPassword",
        response_description="Set",
        summary="Set a user's password",
        description="It also signs them out everywhere.",
        status_code=204,
        responses=CHANGED,
    )
    async def set_password(
        self,
        user_id: FromPath[str],
        data: RequestBody[PasswordSet],
        identity: NamedDependency[Identity],
        actor: NamedDependency[Actor],
    ) -> None:
        """One's own is changed at /api/session/password."""
        await identity.users.set_password(actor, user_id, data.password)

    @delete(
        "/{user_id:str}/sessions",
        operation_id="signUserOut",
        response_description="Signed out",
        summary="Sign a user out everywhere",
        status_code=204,
        responses=LOOKED_AT,
    )
    async def sign_out(
        self, user_id: FromPath[str], identity: NamedDependency[Identity], actor: NamedDependency[Actor]
    ) -> None:
        """Their keys go on working."""
        await identity.users.sign_out_everywhere(actor, user_id)
