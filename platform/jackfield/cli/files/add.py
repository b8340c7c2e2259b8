"""`jackfield files add`: this machine's files into a collection."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import click

from jackfield.cli.call_lines import count
from jackfield.cli.files.added_account import account, as_object, code_of, unreadable
from jackfield.cli.files.adding import Added, add_all, totalled
from jackfield.cli.files.adding_progress import shown_adding
from jackfield.cli.files.addresses import Address, addressed, collection_option, json_option, new_change, reason_option
from jackfield.cli.files.between import came_between, newest_version
from jackfield.cli.files.index_progress import shown_indexing, told
from jackfield.cli.files.local_bytes import STDIN, file_bytes, stdin_bytes
from jackfield.cli.files.local_files import LocalFiles, local_files
from jackfield.cli.files.sentences import tell
from jackfield.cli.files.with_library import with_library
from jackfield.cli.output import print_json, say
from jackfield.cli.session import Session, pass_session
from jackfield.contracts.files import IndexProgress, Written
from jackfield.errors import InvalidRequest, JackfieldError
from jackfield.files.library import Library

T = TypeVar("T")


@click.command("add")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True)
@click.option("--to", "folder", default="", metavar="FOLDER", help="The folder in the collection to put them in.")
@click.option("--as", "as_path", metavar="PATH", help="What one file, or what is piped in, is to be called there.")
@click.option("--hidden", is_flag=True, help="Hidden files and folders too; .git never.")
@click.option("--no-index", is_flag=True, help="Leave it to `jackfield files index` to make them findable.")
@reason_option
@collection_option
@json_option
@pass_session
def command(
    session: Session,
    paths: tuple[str, ...],
    folder: str,
    as_path: str | None,
    hidden: bool,
    no_index: bool,
    reason: str,
    collection: str | None,
    as_json: bool,
) -> None:
    """Add files and folders with all that is in them, then index them. What is there already gets a new version.

    A file keeps the path that was typed, such as docs/plan.md, or its name where it is not below this folder. `-` is
    what is piped in. Symbolic links and hidden files in folders are passed over.
    """
    address = addressed(folder, collection)
    if STDIN in paths or as_path is not None:
        _add_one(session, paths, address, as_path, reason, no_index=no_index, as_json=as_json)
        return
    found = local_files(paths, to=address.path, hidden=hidden)
    added = Added(change=new_change())

    most = session.settings.files.largest_mb << 20

    async def worked(library: Library) -> tuple[str, IndexProgress | None, tuple[str, ...]]:
        opened = await library.opened(address.collection, "write")
        with shown_adding(len(found.files), sum(file.size for file in found.files if file.size <= most)) as report:
            await add_all(opened, found.files, added, reason=reason, most=most, report=report)
        if no_index:
            return opened.name, None, ()
        index = await _indexed(library)
        return opened.name, index, await unreadable(opened, added, under=address.path)

    name, index, unread = _done(session, worked, added, found)
    if as_json:
        print_json({**as_object(added, found, name, index), "unreadable": unread})
    else:
        _tell(added, found, index, unread)
    if code := code_of([*found.failures, *added.failures]):
        sys.exit(code)


def _add_one(
    session: Session,
    paths: tuple[str, ...],
    folder: Address,
    as_path: str | None,
    reason: str,
    *,
    no_index: bool,
    as_json: bool,
) -> None:
    """One file, or what is piped in, under a path that was said."""
    if len(paths) > 1 or as_path is None:
        raise InvalidRequest("--as names one file, and what is piped in (-) needs it: add them one by one.")
    address = addressed(as_path, folder.collection)
    path = "/".join(part for part in (folder.path.rstrip("/"), address.path) if part)

    async def written(library: Library) -> tuple[Written, str | None]:
        opened = await library.opened(address.collection, "write")
        before = await newest_version(opened, path)
        with _pieces(paths[0], session.settings.files.largest_mb << 20) as pieces:
            one = await opened.write(path, pieces, reason=reason, change=new_change())
        if not no_index:
            await _indexed(library)
        return one, came_between(before, one)

    one, remark = with_library(session, written)
    tell(one, "was written", as_json=as_json)
    if remark:
        say(remark)


@contextmanager
def _pieces(source: str, most: int) -> Iterator[AsyncGenerator[bytes]]:
    """What is piped in, or a file's bytes, with how far they are."""
    if source == STDIN:
        yield stdin_bytes()
        return
    path = Path(source)
    size = path.stat().st_size if path.is_file() else 0
    with shown_adding(1, size if size <= most else 0) as report:
        yield file_bytes(path, most=most, count=totalled(report))


def _done(session: Session, work: Callable[[Library], Awaitable[T]], added: Added, found: LocalFiles) -> T:
    """What the work gives; where it is cut short, what was done until then is said."""
    try:
        return with_library(session, work)
    except (KeyboardInterrupt, JackfieldError) as error:
        _tell_of_stop(added, found, interrupted=isinstance(error, KeyboardInterrupt))
        raise


def _tell_of_stop(added: Added, found: LocalFiles, *, interrupted: bool) -> None:
    done = len(added.files) + len(added.failures)
    if not (interrupted or done):
        return  # it could not even begin, and the error says why
    _tell(added, found, None)
    if done < len(found.files):
        say(f"Stopped after {done:,} of {count(len(found.files), 'file')}; adding them again goes on.")
    else:
        say("Stopped; all files are there, and `jackfield files index` goes on with making them findable.")


async def _indexed(library: Library) -> IndexProgress:
    with shown_indexing() as report:
        return await library.run_index(report)


def _tell(added: Added, found: LocalFiles, index: IndexProgress | None, unread: Sequence[str] = ()) -> None:
    for line in account(added, found):
        say(line)
    if index is not None and (added.new or added.changed):
        say(told(index, unread))
