"""`jackfield files rollback`: an older version, brought back as a new one."""

from __future__ import annotations

import click

from jackfield.cli.files.addresses import (
    addressed,
    as_of,
    collection_option,
    json_option,
    new_change,
    path_argument,
    reason_option,
)
from jackfield.cli.files.sentences import cell, when
from jackfield.cli.files.with_library import with_collection
from jackfield.cli.output import print_json, say
from jackfield.cli.session import Session, pass_session
from jackfield.contracts.files import FileVersion, Point, Written
from jackfield.errors import InvalidRequest, VersionNotFound
from jackfield.files.difference import version_at
from jackfield.files.open_collection import OpenCollection


@click.command("rollback")
@path_argument
@click.option("--to", "number", type=click.IntRange(min=1), metavar="N", help="To version N.")
@click.option("--at", metavar="TIME", help="To the version of a time: 'yesterday 14:00', 2026-11-20, '2h ago'.")
@click.option("--back", type=click.IntRange(min=1), metavar="N", help="By N versions.")
@reason_option
@collection_option
@json_option
@pass_session
def command(
    session: Session,
    path: str,
    number: int | None,
    at: str | None,
    back: int | None,
    reason: str,
    collection: str | None,
    as_json: bool,
) -> None:
    """Bring an older version back, as a new one; nothing is lost, and it can be rolled back too."""
    if sum(said is not None for said in (number, at, back)) != 1:
        raise InvalidRequest("Say which version: --to N, --at TIME or --back N.")
    address = addressed(path, collection)
    point = as_of(at) if at is not None else Point(number=number)

    async def rolled_back(opened: OpenCollection) -> tuple[Written, FileVersion]:
        history = await opened.history(address.path)
        newest = history[-1].number
        chosen = version_at(history, address.path, point if back is None else _earlier(address.path, newest, back))
        to = Point(number=chosen.number)
        done = await opened.rollback(address.path, to, reason=reason, expected=newest, change=new_change())
        return done, chosen

    written, chosen = with_collection(session, address.collection, "write", rolled_back)
    if as_json:
        print_json(written)
    elif written.changed:
        say(
            f"'{cell(written.file.path)}' is as in version {chosen.number} of {when(chosen.written_at)} again; "
            f"that is version {written.version.number} now."
        )
    else:
        say(f"'{cell(written.file.path)}' is as in version {chosen.number} of {when(chosen.written_at)} already.")


def _earlier(path: str, newest: int, back: int) -> Point:
    if back >= newest:
        raise VersionNotFound(f"'{path}' has {newest} versions, and none {back} before the newest.")
    return Point(number=newest - back)
