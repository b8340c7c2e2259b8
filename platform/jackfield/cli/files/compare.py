"""`jackfield files compare`: what changed between two versions, in words."""

from __future__ import annotations

import click

from jackfield.cli.call_lines import without_steering
from jackfield.cli.files.addresses import addressed, collection_option, json_option, path_argument, point
from jackfield.cli.output import print_json, say
from jackfield.cli.session import Session, pass_session
from jackfield.cli.with_workbench import with_workbench
from jackfield.errors import InvalidRequest
from jackfield.files.asking import ChatModel
from jackfield.files.comparing import Comparison, compared_files, compared_versions
from jackfield.workbench import Workbench


@click.command("compare")
@path_argument
@click.argument("old", metavar="[A]", required=False)
@click.argument("new", metavar="[B]", required=False)
@click.option("--with", "other", metavar="PATH", help="Compare with this file, rather than two versions.")
@click.option("-m", "--model", default="", metavar="NAME", help="The model to ask; the default model if none.")
@collection_option
@json_option
@pass_session
def command(
    session: Session,
    path: str,
    old: str | None,
    new: str | None,
    other: str | None,
    model: str,
    collection: str | None,
    as_json: bool,
) -> None:
    """Say in words what differs from version A to version B; `diff` shows it line by line.

    A and B are numbers, or times such as 'yesterday 14:00'. Without B it is the newest version, without A the last
    one before it that has other bytes. Where no model is installed it is told in counts and headings.
    """
    if other and (old or new):
        raise InvalidRequest("Compare two versions, or two files with --with; not both.")
    address = addressed(path, collection)
    before, after = (point(said) if said else None for said in (old, new))

    async def compared(workbench: Workbench) -> Comparison:
        opened = await workbench.library().opened(address.collection)
        chat = ChatModel(workbench, name=model)
        if other:
            return await compared_files(opened, address.path, other, chat=chat)
        return await compared_versions(opened, address.path, before, after, chat=chat)

    found = with_workbench(session, compared)
    if as_json:
        print_json(found)
        return
    click.echo(without_steering(found.words))
    if found.model:
        say(f"In lines: {found.added:,} added, {found.removed:,} removed.")
    if found.notice and found.notice not in found.words:
        say(found.notice)
