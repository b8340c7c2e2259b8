"""`jackfield users`: who uses this installation."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from jackfield.cli.model_pages import moment
from jackfield.cli.output import print_json, print_table, say
from jackfield.cli.session import Session, pass_session
from jackfield.cli.with_identity import (
    all_of,
    json_option,
    named_team,
    password_option,
    read_password,
    with_identity,
)
from jackfield.contracts.identity import Role, User
from jackfield.contracts.identity_records import ROLES

if TYPE_CHECKING:
    from jackfield.identity.desk import Identity
    from jackfield.identity.invitations import NewInvitation
    from jackfield.identity.users import UserChange

LIST_COLUMNS = ("USER", "E-MAIL", "NAME", "ROLE", "STATE", "TEAM", "ADDED")

role_type = click.Choice(ROLES)
user_argument = click.argument("user_name", metavar="USER")


@click.group("users")
def group() -> None:
    """List, add, invite and change users. A USER is an e-mail address or an identifier."""


@group.command("list")
@json_option
@pass_session
def list_users(session: Session, as_json: bool) -> None:
    """List the users, the newest first."""
    users = with_identity(session, lambda identity: all_of(identity.users.page))
    if as_json:
        print_json(users)
    elif users or not sys.stdout.isatty():
        print_table(LIST_COLUMNS, map(_row, users))
    else:
        say("There are no users; `jackfield users add E-MAIL --role admin` adds the first.")


@group.command("add")
@click.argument("email", metavar="E-MAIL")
@click.option("--name", help="What they are called; the beginning of the address otherwise.")
@click.option("--role", type=role_type, default="member", show_default=True, help="What they may do.")
@click.option("--team", metavar="TEAM", help="The team they are in, by name or identifier.")
@click.option("--no-password", is_flag=True, help="They sign in through the provider of OIDC only.")
@password_option
@json_option
@pass_session
def add_user(
    session: Session,
    email: str,
    name: str | None,
    role: Role,
    team: str | None,
    no_password: bool,
    password_stdin: bool,
    as_json: bool,
) -> None:
    """Add a user, whose password is asked for."""
    from jackfield.identity.audit import COMMAND_LINE

    password = None if no_password else read_password(from_stdin=password_stdin)

    async def added(identity: Identity) -> User:
        return await identity.users.add(
            COMMAND_LINE,
            email=email,
            name=name or email.partition("@")[0],
            role=role,
            team_id=(await named_team(identity, team)).id if team else None,
            password=password,
        )

    _tell(with_identity(session, added), "was added", as_json=as_json)


@group.command("invite")
@click.argument("email", metavar="E-MAIL")
@click.option("--role", type=role_type, default="member", show_default=True, help="What they may do.")
@click.option("--team", metavar="TEAM", help="The team they are in, by name or identifier.")
@json_option
@pass_session
def invite_user(session: Session, email: str, role: Role, team: str | None, as_json: bool) -> None:
    """Make an invitation and print its token, once; whoever has it chooses a password and is a user."""
    from jackfield.identity.audit import COMMAND_LINE

    async def invited(identity: Identity) -> NewInvitation:
        team_id = (await named_team(identity, team)).id if team else None
        return await identity.invitations.make(COMMAND_LINE, email=email, role=role, team_id=team_id)

    made = with_identity(session, invited)
    if as_json:
        print_json(made)
        return
    say(
        f"{made.invitation.email} is invited until {moment(made.invitation.expires_at)}. Give them this token, for "
        "POST /api/invitations/accept; it is not shown again."
    )
    click.echo(made.token)


@group.command("role")
@user_argument
@click.argument("role", type=role_type)
@json_option
@pass_session
def change_role(session: Session, user_name: str, role: Role, as_json: bool) -> None:
    """Give a user another role; an active admin is always left."""
    from jackfield.identity.users import UserChange

    _tell(_changed(session, user_name, UserChange(role=role)), f"is {role} now", as_json=as_json)


@group.command("team")
@user_argument
@click.argument("team", metavar="[TEAM]", required=False)
@json_option
@pass_session
def change_team(session: Session, user_name: str, team: str | None, as_json: bool) -> None:
    """Put a user into a team; without one, take them out of theirs."""
    from jackfield.identity.audit import COMMAND_LINE
    from jackfield.identity.users import UserChange

    async def moved(identity: Identity) -> User:
        user = await identity.users.named(user_name)
        team_id = (await named_team(identity, team)).id if team else None
        return await identity.users.change(COMMAND_LINE, user.id, UserChange(team_id=team_id))

    _tell(with_identity(session, moved), f"is in team '{team}' now" if team else "is in no team now", as_json=as_json)


@group.command("disable")
@user_argument
@json_option
@pass_session
def disable_user(session: Session, user_name: str, as_json: bool) -> None:
    """Keep a user out: they can neither sign in nor use their keys."""
    from jackfield.identity.users import UserChange

    _tell(_changed(session, user_name, UserChange(active=False)), "is kept out now", as_json=as_json)


@group.command("enable")
@user_argument
@json_option
@pass_session
def enable_user(session: Session, user_name: str, as_json: bool) -> None:
    """Let a user in again."""
    from jackfield.identity.users import UserChange

    _tell(_changed(session, user_name, UserChange(active=True)), "may come in again", as_json=as_json)


@group.command("remove")
@user_argument
@json_option
@pass_session
def remove_user(session: Session, user_name: str, as_json: bool) -> None:
    """Remove a user with their keys and sessions, for good."""
    from jackfield.identity.audit import COMMAND_LINE

    async def removed(identity: Identity) -> User:
        user = await identity.users.named(user_name)
        await identity.users.remove(COMMAND_LINE, user.id)
        return user

    _tell(with_identity(session, removed), "was removed", as_json=as_json)


@group.command("password")
@user_argument
@password_option
@json_option
@pass_session
def set_password(session: Session, user_name: str, password_stdin: bool, as_json: bool) -> None:
    """Set a user's password, which also signs them out everywhere."""
    from jackfield.identity.audit import COMMAND_LINE

    password = read_password(from_stdin=password_stdin)

    async def changed(identity: Identity) -> User:
        user = await identity.users.named(user_name)
        await identity.users.set_password(COMMAND_LINE, user.id, password)
        return user

    _tell(with_identity(session, changed), "has a new password", as_json=as_json)


def _changed(session: Session, user_name: str, change: UserChange) -> User:
    from jackfield.identity.audit import COMMAND_LINE

    async def changed(identity: Identity) -> User:
        user = await identity.users.named(user_name)
        return await identity.users.change(COMMAND_LINE, user.id, change)

    return with_identity(session, changed)


def _tell(user: User, what: str, *, as_json: bool) -> None:
    if as_json:
        print_json(user)
    else:
        say(f"{user.email} ({user.id}) {what}.")


def _row(user: User) -> tuple[str, ...]:
    state = "active" if user.active else "kept out"
    return (user.id, user.email, user.name, user.role, state, user.team_id or "", moment(user.created_at))
