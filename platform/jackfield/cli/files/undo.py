"""`jackfield files undo`: what one change did, taken back."""

from __future__ import annotations

import click

from jackfield.cli.call_lines import count
from jackfield.cli.files.addresses import collection_option, json_option
from jackfield.cli.files.sentences import cell
from jackfield.cli.files.with_library import with_collection
from jackfield.cli.output import print_json, say
from jackfield.cli.session import Session, pass_session

SHOWN = 20


@click.command("undo")
@click.argument("change", metavar="CHANGE")
@click.option("--force", is_flag=True, help="Also where a file was changed since.")
@collection_option
@json_option
@pass_session
def command(session: Session, change: str, force: bool, collection: str | None, as_json: bool) -> None:
    """Take back everything that one change did, in one step, as new versions.

    CHANGE is the identifier that the command told which made it; `jackfield files log` has it too.
    """
    undone = with_collection(session, collection, "write", lambda opened: opened.undo(change, force=force))
    if as_json:
        print_json(undone)
        return
    for written in undone[:SHOWN]:
        gone = written.version.action == "deleted"
        now = "deleted" if gone else f"as before; that is version {written.version.number} now"
        say(f"'{cell(written.file.path)}' is {now}.")
    if len(undone) > SHOWN:
        say(f"And {count(len(undone) - SHOWN, 'more file')}.")
