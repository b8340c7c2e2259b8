"""`jackfield files lock` and `unlock`: files that only one person changes."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from jackfield.cli.files.addresses import addressed, collection_option, json_option, path_argument
from jackfield.cli.files.sentences import cell, when
from jackfield.cli.files.with_library import with_collection
from jackfield.cli.output import print_json, say
from jackfield.cli.session import Session, pass_session
from jackfield.contracts.files import Level
from jackfield.files.moments import duration


@click.command("lock")
@path_argument
@click.option("--for", "lasting", default="1h", show_default=True, metavar="TIME", help="How long: 30m, 2h, 7d.")
@collection_option
@json_option
@pass_session
def lock(session: Session, path: str, lasting: str, collection: str | None, as_json: bool) -> None:
    """Keep others from changing a file for a while; locking it again prolongs that."""
    until = datetime.now(UTC) + duration(lasting)
    address = addressed(path, collection)
    file = with_collection(session, address.collection, "write", lambda opened: opened.lock(address.path, until))
    if as_json:
        print_json(file)
    else:
        say(f"'{cell(file.path)}' is locked until {when(until)}; `jackfield files unlock` lets it go.")


@click.command("unlock")
@path_argument
@click.option("--force", is_flag=True, help="Also where somebody else locked it.")
@collection_option
@json_option
@pass_session
def unlock(session: Session, path: str, force: bool, collection: str | None, as_json: bool) -> None:
    """Let others change a file again."""
    address = addressed(path, collection)
    level: Level = "manage" if force else "write"
    file = with_collection(session, address.collection, level, lambda opened: opened.unlock(address.path, force=force))
    if as_json:
        print_json(file)
    else:
        say(f"'{cell(file.path)}' is locked by nobody.")
