"""`jackfield teams`: users who share budgets."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from jackfield.cli.model_pages import moment
from jackfield.cli.output import print_json, print_table, say
from jackfield.cli.session import Session, pass_session
from jackfield.cli.with_identity import all_of, json_option, named_team, with_identity
from jackfield.contracts.identity import Team

if TYPE_CHECKING:
    from jackfield.identity.desk import Identity

LIST_COLUMNS = ("TEAM", "NAME", "ADDED")

team_argument = click.argument("team_name", metavar="TEAM")


@click.group("teams")
def group() -> None:
    """List, add, rename and remove teams. A TEAM is a name or an identifier."""


@group.command("list")
@json_option
@pass_session
def list_teams(session: Session, as_json: bool) -> None:
    """List the teams, the newest first."""
    teams = with_identity(session, lambda identity: all_of(identity.teams.page))
    if as_json:
        print_json(teams)
    elif teams or not sys.stdout.isatty():
        print_table(LIST_COLUMNS, [(team.id, team.name, moment(team.created_at)) for team in teams])
    else:
        say("There are no teams; `jackfield teams add NAME` adds one.")


@group.command("add")
@click.argument("name")
@json_option
@pass_session
def add_team(session: Session, name: str, as_json: bool) -> None:
    """Add a team; `jackfield users team USER TEAM` puts users into it."""
    from jackfield.identity.audit import COMMAND_LINE

    _tell(with_identity(session, lambda identity: identity.teams.add(COMMAND_LINE, name)), "was added", as_json)


@group.command("rename")
@team_argument
@click.argument("name")
@json_option
@pass_session
def rename_team(session: Session, team_name: str, name: str, as_json: bool) -> None:
    """Give a team another name."""
    from jackfield.identity.audit import COMMAND_LINE

    async def renamed(identity: Identity) -> Team:
        team = await named_team(identity, team_name)
        return await identity.teams.rename(COMMAND_LINE, team.id, name)

    _tell(with_identity(session, renamed), "has its new name", as_json)


@group.command("remove")
@team_argument
@json_option
@pass_session
def remove_team(session: Session, team_name: str, as_json: bool) -> None:
    """Remove a team; its users stay, and are then in none."""
    from jackfield.identity.audit import COMMAND_LINE

    async def removed(identity: Identity) -> Team:
        team = await named_team(identity, team_name)
        await identity.teams.remove(COMMAND_LINE, team.id)
        return team

    _tell(with_identity(session, removed), "was removed", as_json)


def _tell(team: Team, what: str, as_json: bool) -> None:
    if as_json:
        print_json(team)
    else:
        say(f"Team '{team.name}' ({team.id}) {what}.")
