"""`jackfield files cat`: a file's bytes, or the text that was read out of it."""

from __future__ import annotations

import base64
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import click
import msgspec

from jackfield.cli.call_lines import without_steering
from jackfield.cli.files.addresses import (
    addressed,
    at_option,
    chosen_point,
    collection_option,
    json_option,
    path_argument,
    version_option,
)
from jackfield.cli.files.with_library import with_collection
from jackfield.cli.output import print_json
from jackfield.cli.session import Session, pass_session
from jackfield.contracts.files import OpenVersion, Point
from jackfield.errors import InvalidRequest
from jackfield.files.open_collection import OpenCollection

LOOKED_AT = 8192
"""Bytes by which binary files are told."""


@click.command("cat")
@path_argument
@version_option
@at_option
@click.option("--text", "as_text", is_flag=True, help="What was read out of it, as of a PDF.")
@collection_option
@json_option
@pass_session
def command(
    session: Session,
    path: str,
    version: int | None,
    at: str | None,
    as_text: bool,
    collection: str | None,
    as_json: bool,
) -> None:
    """Print a file, or an older version of it. Binary files go to files and pipes only."""
    address = addressed(path, collection)
    point = chosen_point(version, at)

    async def printed(opened: OpenCollection) -> None:
        if as_json:
            print_json(await _object(opened, address.path, point, as_text=as_text))
        elif as_text:
            _echo(await opened.text(address.path, point))
        else:
            await _print_bytes(await opened.read(address.path, point), address.path)

    with_collection(session, address.collection, "read", printed)


async def _print_bytes(opened: OpenVersion, path: str) -> None:
    async with aclosing(opened.pieces) as pieces:
        if sys.stdout.isatty():
            await _show(pieces, path)
            return
        output = sys.stdout.buffer
        async for piece in pieces:
            output.write(piece)
        output.flush()


async def _show(pieces: AsyncIterator[bytes], path: str) -> None:
    """On a terminal: text only, with nothing in it that would steer it."""
    import codecs

    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    first = True
    async for piece in pieces:
        if first and _is_binary(piece[:LOOKED_AT]):
            raise InvalidRequest(
                f"'{path}' is no text: send it to a file (> FILE), or print what was read out of it with --text."
            )
        first = False
        click.echo(without_steering(decoder.decode(piece)), nl=False)
    click.echo(without_steering(decoder.decode(b"", final=True)), nl=False)


def _is_binary(beginning: bytes) -> bool:
    return b"\0" in beginning or beginning.startswith(b"%PDF-")


def _echo(text: str) -> None:
    shown = without_steering(text) if sys.stdout.isatty() else text
    click.echo(shown, nl=not shown.endswith("\n"))


async def _object(opened: OpenCollection, path: str, point: Point, *, as_text: bool) -> dict[str, Any]:
    """The version with its text, or with its bytes in base64 where they are none."""
    read = await opened.read(path, point)
    async with aclosing(read.pieces) as pieces:
        data = b"" if as_text else b"".join([piece async for piece in pieces])
    told: dict[str, Any] = msgspec.to_builtins(read.version, builtin_types=(type(read.version.written_at),))
    if as_text:
        return {**told, "text": await opened.text(path, Point(number=read.version.number))}
    try:
        return {**told, "text": data.decode()}
    except UnicodeDecodeError:
        return {**told, "base64": base64.b64encode(data).decode()}
