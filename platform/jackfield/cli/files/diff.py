"""`jackfield files diff`: what differs between two versions of a file."""

from __future__ import annotations

import sys

import click

from jackfield.cli.call_lines import without_steering
from jackfield.cli.files.addresses import addressed, collection_option, json_option, path_argument, point
from jackfield.cli.files.sentences import cell, when
from jackfield.cli.files.with_library import with_collection
from jackfield.cli.output import print_json, say
from jackfield.cli.session import Session, pass_session
from jackfield.contracts.files import FileVersion
from jackfield.files.difference import Difference, difference
from jackfield.quantities import readable_bytes

COLOURS = {"+": "green", "-": "red", "@": "cyan"}


@click.command("diff")
@path_argument
@click.argument("old", metavar="[A]", required=False)
@click.argument("new", metavar="[B]", required=False)
@collection_option
@json_option
@pass_session
def command(
    session: Session, path: str, old: str | None, new: str | None, collection: str | None, as_json: bool
) -> None:
    """Show what differs from version A to version B, in the texts that were read out of them.

    A and B are numbers, or times such as 'yesterday 14:00'. Without B it is the newest version, without A the last
    one before it that has other bytes.
    """
    address = addressed(path, collection)
    before, after = (point(said) if said else None for said in (old, new))
    found = with_collection(
        session, address.collection, "read", lambda opened: difference(opened, address.path, before, after)
    )
    if as_json:
        print_json(found)
    elif found.unified is None:
        _tell_bytes(found)
    elif found.unified:
        _show(found.unified)
    else:
        also = "" if found.same_bytes else ", though not their bytes"
        say(f"The texts of versions {found.old.number} and {found.new.number} of '{cell(found.path)}' are equal{also}.")


def _show(unified: str) -> None:
    if not sys.stdout.isatty():
        click.echo(unified, nl=False)
        return
    for number, line in enumerate(unified.splitlines()):
        head = number < 2
        click.echo(click.style(without_steering(line), fg=None if head else COLOURS.get(line[:1]), bold=head))


def _tell_bytes(found: Difference) -> None:
    say(f"There is no difference to show line by line: {found.reason}")
    for version in (found.old, found.new):
        click.echo(_described(version))
    if found.same_bytes:
        say("Their bytes are the same.")


def _described(version: FileVersion) -> str:
    size = (
        f"{version.size:,} bytes ({readable_bytes(version.size)})" if version.size >= 1000 else f"{version.size} bytes"
    )
    return f"version {version.number}, {when(version.written_at)}: {size}, BLAKE3 {version.digest}"
