"""`jackfield files mv`: other paths for files."""

from __future__ import annotations

from functools import partial

import click

from jackfield.cli.files.addresses import all_addressed, collection_option, json_option, new_change, reason_option
from jackfield.cli.files.sentences import cell, tell_all
from jackfield.cli.files.together import all_or_none
from jackfield.cli.files.with_library import with_collection
from jackfield.cli.output import say
from jackfield.cli.session import Session, pass_session
from jackfield.contracts.files import Written
from jackfield.errors import FileNotThere, InvalidRequest
from jackfield.files.open_collection import OpenCollection


@click.command("mv")
@click.argument("path", metavar="PATH")
@click.argument("new_path", metavar="NEW-PATH")
@reason_option
@collection_option
@json_option
@pass_session
def command(session: Session, path: str, new_path: str, reason: str, collection: str | None, as_json: bool) -> None:
    """Rename a file with all its versions, or a folder. A NEW-PATH that ends in / is the folder to move into."""
    name, (old, new) = all_addressed((path, new_path), collection)
    change = new_change()
    sources: list[str] = []

    async def renamed(opened: OpenCollection) -> list[Written]:
        moves = await _moves(opened, old, new)
        steps = [partial(opened.rename, old, new, reason=reason, change=change) for old, new in moves]
        sources[:] = [source for source, _ in moves]
        return await all_or_none(opened, change, steps)

    done = with_collection(session, name, "write", renamed)
    if len(done) == 1 and done[0].changed and not as_json:
        version = done[0].version.number
        say(f"'{cell(sources[0])}' was renamed to '{cell(done[0].file.path)}'; it is at version {version} now.")
    else:
        tell_all(done, "was renamed", change, as_json=as_json)


async def _moves(opened: OpenCollection, old: str, new: str) -> list[tuple[str, str]]:
    """Each file with its new path: the one at `old`, or all below it."""
    last = old.rstrip("/").rpartition("/")[2]
    target = new + last if new.endswith("/") else new
    if not old.endswith("/"):
        try:
            return [((await opened.look(old)).path, target)]
        except FileNotThere:
            if not await opened.page(under=old, limit=1):
                raise
    folder = old.rstrip("/")
    files = await opened.every(under=folder)
    if not files:
        raise FileNotThere(f"There is no folder '{old}' in collection '{opened.name}'.")
    if f"{target}/".startswith(f"{folder}/") and target != folder:
        raise InvalidRequest(f"Folder '{folder}' cannot be moved into itself.")
    return [(file.path, target + file.path[len(folder) :]) for file in files]
