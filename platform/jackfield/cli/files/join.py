"""`jackfield files join`: several files as one, or what they say of a topic."""

from __future__ import annotations

import click

from jackfield.cli.call_lines import count
from jackfield.cli.files.addresses import all_addressed, collection_option, json_option, new_change
from jackfield.cli.files.sentences import cell, undoing
from jackfield.cli.files.with_library import with_library
from jackfield.cli.output import print_json, say
from jackfield.cli.session import Session, pass_session
from jackfield.errors import InvalidRequest
from jackfield.files.joining import Joined, joined_files, joined_sections
from jackfield.files.library import Library


@click.command("join")
@click.argument("paths", metavar="[PATH...]", nargs=-1)
@click.option("--into", required=True, metavar="NEW-PATH", help="The file to make; it must not be there.")
@click.option(
    "--about", "topic", default="", metavar="TOPIC", help="Only what is about this, of PATHs or of all files."
)
@click.option("--in", "under", default="", metavar="FOLDER", help="With --about: only below this path.")
@collection_option
@json_option
@pass_session
def command(
    session: Session,
    paths: tuple[str, ...],
    into: str,
    topic: str,
    under: str,
    collection: str | None,
    as_json: bool,
) -> None:
    """Merge files, or what they say of a topic, into one; each part says where it came from."""
    if not topic and (not paths or under):
        raise InvalidRequest("Name the files to join, or a topic with --about.")
    name, named = all_addressed(paths, collection) if paths else (collection, [])
    change = new_change()

    async def joined(library: Library) -> Joined:
        opened = await library.opened(name, "write")
        if not topic:
            return await joined_files(opened, named, into, change=change)
        return await joined_sections(library, opened, topic, into, under=under, only=named or None, change=change)

    made = with_library(session, joined)
    if as_json:
        print_json({"change": change, "joined": made})
        return
    path, parts = cell(made.written.file.path), count(len(made.parts), "part")
    say(f"'{path}' was made of {parts}. Undo it with: {undoing(change)}")
    if made.repeated:
        say(f"{count(made.repeated, 'part')} said what another says, and was left out.")
    if made.notice:
        say(made.notice)
