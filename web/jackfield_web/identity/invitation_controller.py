"""/api/invitations."""

from __future__ import annotations

from litestar import Controller, Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, RequestBody

from jackfield.contracts.identity import Invitation
from jackfield.identity.audit import Actor
from jackfield.identity.desk import Identity
from jackfield.identity.invitations import NewInvitation
from jackfield_web.identity.asked import LISTED, LOOKED_AT, MANAGING, SENT, Before, Limit
from jackfield_web.identity.bodies import InvitationWish
from jackfield_web.identity.rights import needs


class InvitationController(Controller):
    """Invitations, for admins."""

    path = "/api/invitations"
    tags = ("Identity",)
    opt = needs("manage")
    dependencies = MANAGING

    @get(
        operation_id="listInvitations",
        response_description="The newest",
        summary="List the open invitations",
        responses=LISTED,
    )
    async def newest(
        self, identity: NamedDependency[Identity], limit: Limit = 50, before: Before = None
    ) -> list[Invitation]:
        """Those that nobody accepted, the newest first."""
        return list(await identity.invitations.page(limit=limit, before=before))

    @post(
        operation_id="invite",
        response_description="The invitation and its token, which is shown only now",
        summary="Invite somebody",
        description="Nothing is sent: give them the token, with which they choose a password.",
        responses=SENT,
    )
    async def invite(
        self, data: RequestBody[InvitationWish], identity: NamedDependency[Identity], actor: NamedDependency[Actor]
    ) -> Response[NewInvitation]:
        """It holds for as long as the settings say."""
        made = await identity.invitations.make(actor, email=data.email, role=data.role, team_id=data.team_id)
        return Response(made, headers={"location": f"/api/invitations/{made.invitation.id}"})

    @delete(
        "/{invitation_id:str}",
        operation_id="removeInvitation",
        response_description="Taken back",
        summary="Take an invitation back",
        status_code=204,
        responses=LOOKED_AT,
    )
    async def remove(
        self, invitation_id: FromPath[str], identity: NamedDependency[Identity], actor: NamedDependency[Actor]
    ) -> None:
        """Its token is worth nothing from then on."""
        await identity.invitations.remove(actor, invitation_id)
