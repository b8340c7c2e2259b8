"""/api/teams."""

from __future__ import annotations

from litestar import Controller, Response, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, RequestBody

from jackfield.contracts.identity import Team
from jackfield.identity.audit import Actor
from jackfield.identity.desk import Identity
from jackfield_web.identity.asked import CHANGED, LISTED, LOOKED_AT, MANAGING, SENT, Before, Limit
from jackfield_web.identity.bodies import TeamName
from jackfield_web.identity.rights import needs


class TeamController(Controller):
    """Teams, for admins."""

    path = "/api/teams"
    tags = ("Identity",)
    opt = needs("manage")
    dependencies = MANAGING

    @get(operation_id="listTeams", response_description="The newest", summary="List the teams", responses=LISTED)
    async def newest(self, identity: NamedDependency[Identity], limit: Limit = 50, before: Before = None) -> list[Team]:
        """The newest first."""
        return list(await identity.teams.page(limit=limit, before=before))

    @post(operation_id="addTeam", response_description="The team", summary="Add a team", responses=SENT)
    async def add(
        self, data: RequestBody[TeamName], identity: NamedDependency[Identity], actor: NamedDependency[Actor]
    ) -> Response[Team]:
        """Users are put into it by changing them."""
        team = await identity.teams.add(actor, data.name)
        return Response(team, headers={"location": f"/api/teams/{team.id}"})

    @get(
        "/{team_id:str}",
        operation_id="getTeam",
        response_description="The team",
        summary="Look at a team",
        responses=LOOKED_AT,
    )
    async def look(self, team_id: FromPath[str], identity: NamedDependency[Identity]) -> Team:
        """By identifier."""
        return await identity.teams.get(team_id)

    @patch(
        "/{team_id:str}",
        operation_id="renameTeam",
        response_description="The team as it is now",
        summary="Rename a team",
        responses=CHANGED,
    )
    async def rename(
        self,
        team_id: FromPath[str],
        data: RequestBody[TeamName],
        identity: NamedDependency[Identity],
        actor: NamedDependency[Actor],
    ) -> Team:
        """No other may have the name."""
        return await identity.teams.rename(actor, team_id, data.name)

    @delete(
        "/{team_id:str}",
        operation_id="removeTeam",
        response_description="Removed",
        summary="Remove a team",
        description="Its users stay, and are then in no team.",
        status_code=204,
        responses=LOOKED_AT,
    )
    async def remove(
        self, team_id: FromPath[str], identity: NamedDependency[Identity], actor: NamedDependency[Actor]
    ) -> None:
        """For good."""
        await identity.teams.remove(actor, team_id)
