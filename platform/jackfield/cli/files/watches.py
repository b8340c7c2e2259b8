"""`jackfield files watches`: the folders that are, or were, kept in step."""

from __future__ import annotations

import sys

import click

from jackfield.cli.files.addresses import json_option
from jackfield.cli.files.sentences import cell, when
from jackfield.cli.files.with_library import with_library
from jackfield.cli.output import print_json, print_table, say
from jackfield.cli.session import Session, pass_session
from jackfield.contracts.files import Watch

COLUMNS = ("WATCH", "FOLDER", "ON", "COLLECTION", "BELOW", "WAYS", "SINCE")


@click.command("watches")
@click.option("--forget", metavar="WATCH", help="Forget one: no file on either side is touched.")
@json_option
@pass_session
def command(session: Session, forget: str | None, as_json: bool) -> None:
    """List the folders that were watched, on whichever machine. Watching one again goes on where it stood."""
    if forget is not None:
        watch = with_library(session, lambda library: library.forget_watch(forget))
        if as_json:
            print_json(watch)
        else:
            say(f"Forgot {cell(watch.folder)} on {cell(watch.machine)}; watching it again compares everything anew.")
        return
    found = with_library(session, lambda library: library.watches())
    if as_json:
        print_json(found)
    elif found or not sys.stdout.isatty():
        print_table(COLUMNS, map(_row, found))
    else:
        say("No folder is watched; `jackfield files watch FOLDER` watches one.")


def _row(watch: Watch) -> tuple[str, ...]:
    ways = "both" if watch.both_ways else "into the collection"
    columns = (watch.id, watch.folder, watch.machine, watch.collection, watch.under, ways)
    return (*map(cell, columns), when(watch.created_at))
