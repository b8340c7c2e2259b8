"""`jackfield files index`: what waits to be found, made findable."""

from __future__ import annotations

import click

from jackfield.cli.call_lines import count
from jackfield.cli.files.addresses import collection_option, json_option
from jackfield.cli.files.index_progress import Report, as_object, shown_indexing, told
from jackfield.cli.files.with_library import with_library
from jackfield.cli.output import print_json, say
from jackfield.cli.session import Session, pass_session
from jackfield.contracts.files import IndexProgress
from jackfield.errors import InvalidRequest
from jackfield.files.library import Library


@click.command("index")
@click.option("--status", "only_status", is_flag=True, help="Only say how far it is.")
@click.option("--retry", is_flag=True, help="Also what could not be read before, in the collection.")
@collection_option
@json_option
@pass_session
def command(session: Session, only_status: bool, retry: bool, collection: str | None, as_json: bool) -> None:
    """Index what waits, in every collection. It can be stopped at any moment, and goes on where it stood."""
    if only_status:
        if retry:
            raise InvalidRequest("Say either --status or --retry, not both.")
        _print(with_library(session, lambda library: library.indexing(collection)), as_json=as_json)
        return
    try:
        with shown_indexing() as report:
            ended = with_library(
                session, lambda library: _indexed(library, report, collection if retry else None, retry=retry)
            )
    except KeyboardInterrupt:
        say("Stopped; what was indexed stays, and `jackfield files index` goes on.")
        raise
    _print(ended, as_json=as_json)


async def _indexed(library: Library, report: Report, collection: str | None, *, retry: bool) -> IndexProgress:
    if retry:
        opened = await library.opened(collection, "write")
        say(f"{count(await opened.retry_index(), 'text')} of '{opened.name}' will be tried again.")
    return await library.run_index(report)


def _print(progress: IndexProgress, *, as_json: bool) -> None:
    if as_json:
        print_json(as_object(progress))
    else:
        click.echo(told(progress))
