"""`jackfield files append`: more at the end of a file."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import click

from jackfield.cli.files.addresses import (
    addressed,
    collection_option,
    json_option,
    new_change,
    path_argument,
    reason_option,
)
from jackfield.cli.files.local_bytes import STDIN, file_bytes, stdin_bytes
from jackfield.cli.files.sentences import tell
from jackfield.cli.files.with_library import with_collection
from jackfield.cli.session import Session, pass_session
from jackfield.contracts.files import Written
from jackfield.errors import InvalidRequest
from jackfield.files.open_collection import OpenCollection


@click.command("append")
@path_argument
@click.argument("source", metavar="[FILE]", default=STDIN)
@click.option("--text", "line", metavar="TEXT", help="Append this line instead.")
@reason_option
@collection_option
@json_option
@pass_session
def command(
    session: Session,
    path: str,
    source: str,
    line: str | None,
    reason: str,
    collection: str | None,
    as_json: bool,
) -> None:
    """Add what is piped in, or FILE's bytes, to the end of a file; several may append at once.

    A file that is not there is begun.
    """
    if line is not None and source != STDIN:
        raise InvalidRequest("Say either FILE or --text, not both.")
    address = addressed(path, collection)

    most = session.settings.files.largest_mb << 20

    async def appended(opened: OpenCollection) -> Written:
        return await opened.append(address.path, _pieces(source, line, most), reason=reason, change=new_change())

    written = with_collection(session, address.collection, "write", appended)
    tell(written, "was appended to", as_json=as_json)


def _pieces(source: str, line: str | None, most: int) -> AsyncGenerator[bytes]:
    if line is not None:
        return _line(line)
    return stdin_bytes() if source == STDIN else file_bytes(Path(source), most=most)


async def _line(text: str) -> AsyncGenerator[bytes]:
    yield f"{text}\n".encode()
