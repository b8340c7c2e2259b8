"""`jackfield files rm`, `restore` and `purge`: files that go, come back, and are forgotten."""

from __future__ import annotations

import sys
from functools import partial

import click

from jackfield.cli.call_lines import count
from jackfield.cli.files.addresses import (
    addressed,
    all_addressed,
    collection_option,
    json_option,
    new_change,
    path_argument,
    reason_option,
)
from jackfield.cli.files.sentences import cell, tell, tell_all
from jackfield.cli.files.together import all_or_none
from jackfield.cli.files.with_library import with_collection
from jackfield.cli.output import print_json, say
from jackfield.cli.session import Session, pass_session
from jackfield.contracts.files import StoredFile, Written
from jackfield.errors import Conflict, FileNotThere, InvalidRequest
from jackfield.files.open_collection import OpenCollection
from jackfield.quantities import readable_bytes


@click.command("rm")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True)
@click.option("-r", "--recursive", is_flag=True, help="Folders too, with all that is in them.")
@reason_option
@collection_option
@json_option
@pass_session
def remove(
    session: Session, paths: tuple[str, ...], recursive: bool, reason: str, collection: str | None, as_json: bool
) -> None:
    """Delete files. Their versions stay, and `restore` brings them back; `purge` is for good."""
    name, named = all_addressed(paths, collection)
    change = new_change()

    async def removed(opened: OpenCollection) -> list[Written]:
        files = {file.id: file for path in named for file in await _meant(opened, path, recursive=recursive)}
        steps = [
            partial(opened.delete, file.path, reason=reason, expected=file.version, change=change)
            for file in files.values()
        ]
        return await all_or_none(opened, change, steps)

    tell_all(with_collection(session, name, "write", removed), "was deleted", change, as_json=as_json)


@click.command("restore")
@path_argument
@click.option("--as", "as_path", metavar="NEW-PATH", help="Under another path.")
@reason_option
@collection_option
@json_option
@pass_session
def restore(
    session: Session, path: str, as_path: str | None, reason: str, collection: str | None, as_json: bool
) -> None:
    """Bring back the file that was deleted last at a path; `ls --deleted` shows which there are."""
    address = addressed(path, collection)
    written = with_collection(
        session,
        address.collection,
        "write",
        lambda opened: opened.undelete(address.path, as_path=as_path, reason=reason, change=new_change()),
    )
    tell(written, "is back", as_json=as_json)


@click.command("purge")
@path_argument
@click.option("--yes", is_flag=True, help="Do not ask first.")
@collection_option
@json_option
@pass_session
def purge(session: Session, path: str, yes: bool, collection: str | None, as_json: bool) -> None:
    """Forget a deleted file for good, with all its versions: this cannot be undone."""
    address = addressed(path, collection)
    if not yes:
        with_collection(session, address.collection, "manage", lambda opened: _check_deleted(opened, address.path))
        _confirm(address.path)
    freed = with_collection(session, address.collection, "manage", lambda opened: opened.purge(address.path))
    if as_json:
        print_json({"path": address.path, "freed_bytes": freed})
    else:
        say(f"'{cell(address.path)}' is forgotten; {readable_bytes(freed)} freed.")


async def _check_deleted(opened: OpenCollection, path: str) -> None:
    """Raises FileNotThere or Conflict, rather than asking about what cannot be done anyway."""
    file = await opened.look(path, deleted=True)
    if file.deleted_at is not None:
        return
    gone = await opened.every(under=path.rpartition("/")[0], deleted=True)
    if path not in {one.path for one in gone}:  # else one was deleted there before
        raise Conflict(f"'{path}' is not deleted; delete it first, and then purge it.", parameter="path")


def _confirm(path: str) -> None:
    if not sys.stdin.isatty():
        raise InvalidRequest(f"Nobody can be asked whether to forget '{path}' for good: say --yes if you mean it.")
    click.confirm(f"Forget '{cell(path)}' for good, with all its versions?", abort=True, err=True)


async def _meant(opened: OpenCollection, path: str, *, recursive: bool) -> tuple[StoredFile, ...]:
    if not path.endswith("/"):
        try:
            return (await opened.look(path),)
        except FileNotThere:
            if not await opened.page(under=path, limit=1):
                raise
    below = await opened.every(under=path.rstrip("/"))
    if not below:
        raise FileNotThere(f"There is no folder '{path}' in collection '{opened.name}'.")
    if not recursive:
        raise InvalidRequest(f"'{path}' is a folder with {count(len(below), 'file')} in it; -r deletes them too.")
    return below
