"""Users, teams and keys for one piece of a command's work, straight from the database; no server need run."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Protocol, TypeVar

import click

from jackfield.cli.session import Session
from jackfield.errors import InvalidRequest, TeamNotFound

if TYPE_CHECKING:
    from jackfield.contracts.identity import Team
    from jackfield.identity.desk import Identity

PAGE = 500

T = TypeVar("T")


class Identified(Protocol):
    """What pages are made of."""

    @property
    def id(self) -> str: ...


R = TypeVar("R", bound=Identified, covariant=True)


class Pages(Protocol[R]):
    """Gives a page of records, the newest first."""

    def __call__(self, *, limit: int, before: str | None) -> Awaitable[tuple[R, ...]]: ...


def with_identity(session: Session, work: Callable[[Identity], Awaitable[T]]) -> T:
    """Open the store, do something with who uses it, close it; also while identity is off."""
    from jackfield.identity.desk import Identity
    from jackfield.wiring import open_store

    async def done() -> T:
        settings = session.settings
        async with open_store(settings, session.plugins) as store:
            return await work(Identity(store.identity, settings.identity, settings.home))

    return asyncio.run(done())


async def all_of(pages: Pages[R]) -> list[R]:
    """Every record, the newest first."""
    records: list[R] = []
    while page := await pages(limit=PAGE, before=records[-1].id if records else None):
        records.extend(page)
    return records


async def named_team(identity: Identity, name: str) -> Team:
    """A team by its identifier or name; raises TeamNotFound."""
    try:
        return await identity.teams.named(name)
    except TeamNotFound as error:
        raise TeamNotFound(f"There is no team '{name}'; `jackfield teams list` shows which there are.") from error


def read_password(*, from_stdin: bool) -> str:
    """A new password, from a pipe's first line or asked for twice; raises InvalidRequest where nobody can be asked."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise InvalidRequest("A password is asked for at a terminal; in a script, pipe it in with --password-stdin.")
    password: str = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    return password


password_option = click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
