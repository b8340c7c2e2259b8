"""`jackfield files ls`: what is in a collection."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime

import click
import msgspec

from jackfield.cli.call_lines import count
from jackfield.cli.files.addresses import addressed, collection_option, json_option
from jackfield.cli.files.sentences import cell, state, when
from jackfield.cli.files.with_library import with_collection
from jackfield.cli.output import print_json, print_table, say
from jackfield.cli.session import Session, pass_session
from jackfield.contracts.files import StoredFile
from jackfield.errors import FileNotThere
from jackfield.files.open_collection import OpenCollection
from jackfield.quantities import readable_bytes

UNREAD = ("pending", "empty", "skipped", "failed")
COLUMNS = ("PATH", "VERSION", "SIZE", "MODIFIED", "BY", "")


class Folder(msgspec.Struct, kw_only=True):
    """What lies below one part of a path."""

    path: str
    modified_at: datetime
    files: int = 0
    bytes: int = 0


@click.command("ls")
@click.argument("folder", default="")
@click.option("-r", "--recursive", is_flag=True, help="Every file below, not folders.")
@click.option("--unread", is_flag=True, help="Files whose text is not found, and why; all below the folder.")
@click.option("--deleted", is_flag=True, help="Deleted files, which can be restored; all below the folder.")
@collection_option
@json_option
@pass_session
def command(
    session: Session,
    folder: str,
    recursive: bool,
    unread: bool,
    deleted: bool,
    collection: str | None,
    as_json: bool,
) -> None:
    """List files, and folders with what is in them; a file by its path, too."""
    address = addressed(folder, collection)

    async def listed(opened: OpenCollection) -> tuple[str, tuple[StoredFile, ...]]:
        files = await opened.every(under=address.path, deleted=deleted) or await _named(opened, address.path, deleted)
        return opened.name, tuple(file for file in files if not unread or file.index in UNREAD)

    name, files = with_collection(session, address.collection, "read", listed)
    folders, shown = ([], files) if recursive or unread or deleted else _one_level(files, address.path.strip("/"))
    if as_json:
        print_json({"collection": name, "folders": folders, "files": shown})
    elif files or not sys.stdout.isatty():
        columns = [*COLUMNS[:3], "DELETED", *COLUMNS[4:]] if deleted else COLUMNS
        print_table(columns, [*map(_folder_row, folders), *(_file_row(file, reason=unread) for file in shown)])
        say(f"{count(len(files), 'file')}, {readable_bytes(sum(file.size for file in files))}, in '{cell(name)}'")
    else:
        kind = "deleted " if deleted else "unread " if unread else ""
        say(f"There are no {kind}files in '{cell(name)}'.")


async def _named(opened: OpenCollection, path: str, deleted: bool) -> tuple[StoredFile, ...]:
    """The file at a path below which there is none; raises FileNotThere where it is no deleted one that is sought."""
    if not path.strip("/"):
        return ()
    with suppress(FileNotThere):
        file = await opened.look(path.rstrip("/"), deleted=deleted)
        if deleted == (file.deleted_at is not None):
            return (file,)
    if not deleted:
        raise FileNotThere(f"There is no file or folder '{path}' in collection '{opened.name}'.")
    return ()


def _one_level(files: Iterable[StoredFile], under: str) -> tuple[list[Folder], list[StoredFile]]:
    """Files right below a path, and the folders there."""
    folders: dict[str, Folder] = {}
    here: list[StoredFile] = []
    for file in files:
        below = file.path.removeprefix(under).lstrip("/") if under else file.path
        first, slash, _ = below.partition("/")
        if not slash:
            here.append(file)
            continue
        path = f"{under}/{first}/" if under else f"{first}/"
        folder = folders.setdefault(path, Folder(path=path, modified_at=file.modified_at))
        folder.files += 1
        folder.bytes += file.size
        folder.modified_at = max(folder.modified_at, file.modified_at)
    return list(folders.values()), here


def _folder_row(folder: Folder) -> tuple[str, ...]:
    path = click.style(cell(folder.path), fg="blue") if sys.stdout.isatty() else cell(folder.path)
    size = readable_bytes(folder.bytes)
    return (path, "", size, when(folder.modified_at), "", count(folder.files, "file"))


def _file_row(file: StoredFile, *, reason: bool) -> tuple[str, ...]:
    size = readable_bytes(file.size)
    return (
        cell(file.path),
        str(file.version),
        size,
        when(file.modified_at),
        cell(file.author.name),
        state(file, reason=reason),
    )
