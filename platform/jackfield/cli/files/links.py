"""`jackfield files link`, `links` and `unlink`: what others may read who have a link."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from jackfield.cli.files.addresses import addressed, collection_option, json_option, path_argument
from jackfield.cli.files.sentences import cell, when
from jackfield.cli.files.with_library import with_collection
from jackfield.cli.output import print_json, print_table, say
from jackfield.cli.session import Session, pass_session
from jackfield.contracts.files import Link
from jackfield.errors import InvalidRequest
from jackfield.files.moments import duration, moment

if TYPE_CHECKING:
    from jackfield.settings import Settings

COLUMNS = ("LINK", "PATH", "SHOWS", "MADE", "BY", "HOLDS UNTIL", "USES")


@click.command("link")
@path_argument
@click.option("--expires", metavar="TIME", help="How long it holds, or until when: 7d, 2026-12-24; for ever otherwise.")
@click.option("--version", type=click.IntRange(min=1), metavar="N", help="Show version N for ever, not the newest.")
@click.option("--folder", is_flag=True, help="All files below PATH.")
@collection_option
@json_option
@pass_session
def link(
    session: Session,
    path: str,
    expires: str | None,
    version: int | None,
    folder: bool,
    collection: str | None,
    as_json: bool,
) -> None:
    """Make a link that lets others read a file or a folder, and print its address, once."""
    if folder and version is not None:
        raise InvalidRequest("A link to a folder shows the newest versions; leave out --version.")
    expires_at = _end(expires) if expires is not None else None
    address = addressed(path, collection)
    made, token = with_collection(
        session,
        address.collection,
        "write",
        lambda opened: opened.link(address.path, folder=folder, version=version, expires_at=expires_at),
    )
    url = f"{site(session.settings)}/shared/{token}"
    if as_json:
        print_json({"link": made, "token": token, "url": url})
        return
    until = f"until {when(made.expires_at)}" if made.expires_at else "until it is revoked"
    say(
        f"Whoever has this address may read {_shown(made)} of '{cell(made.path)}' {until}, while `jackfield serve` "
        f"runs. It is not shown again; revoke it with: jackfield files unlink {made.id}"
    )
    click.echo(url)


@click.command("links")
@collection_option
@json_option
@pass_session
def links(session: Session, collection: str | None, as_json: bool) -> None:
    """List the links of a collection, also those that hold no longer."""
    found = with_collection(session, collection, "write", lambda opened: opened.links())
    if as_json:
        print_json(found)
    elif found or not sys.stdout.isatty():
        print_table(COLUMNS, map(_row, found))
    else:
        say("There are no links; `jackfield files link PATH` makes one.")


@click.command("unlink")
@click.argument("link_id", metavar="LINK")
@collection_option
@json_option
@pass_session
def unlink(session: Session, link_id: str, collection: str | None, as_json: bool) -> None:
    """Let a link hold no longer."""
    revoked = with_collection(session, collection, "write", lambda opened: opened.revoke(link_id))
    if as_json:
        print_json(revoked)
    else:
        say(f"The link to '{cell(revoked.path)}' holds no longer; it was {_followed(revoked.uses)}.")


def site(settings: Settings) -> str:
    """How the server is reached: as settings say, else at the address that it listens on."""
    if settings.identity.enabled and settings.identity.public_url:
        return settings.identity.public_url.rstrip("/")
    return f"http://{settings.server.host}:{settings.server.port}"


def _end(said: str) -> datetime:
    """A length of time from now, or a time."""
    now = datetime.now(UTC)
    try:
        end = now + duration(said)
    except InvalidRequest:
        try:
            end = moment(said, now)
        except InvalidRequest as error:
            raise InvalidRequest(
                f"'{said}' is neither a length of time such as 7d nor a time such as 2026-12-24."
            ) from error
    if end <= now:
        raise InvalidRequest(f"'{said}' is over already; a link holds until a time to come.")
    return end


def _shown(link: Link) -> str:
    if link.folder:
        return "everything"
    return f"version {link.version}" if link.version else "the newest version"


def _followed(uses: int) -> str:
    return "never followed" if not uses else "followed once" if uses == 1 else f"followed {uses} times"


def _row(link: Link) -> tuple[str, ...]:
    shows, by = _shown(link), cell(link.created_by.name)
    return (link.id, cell(link.path), shows, when(link.created_at), by, _holds_until(link), str(link.uses))


def _holds_until(link: Link) -> str:
    if link.revoked_at:
        return f"revoked {when(link.revoked_at)}"
    if link.expires_at is None:
        return "for ever"
    return when(link.expires_at) + (" (over)" if link.expires_at <= datetime.now(UTC) else "")
