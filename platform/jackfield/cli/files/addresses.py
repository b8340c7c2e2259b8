"""How a file is named on the command line, and which version of it is meant."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import click
import msgspec

from jackfield.contracts.files import Point
from jackfield.errors import InvalidRequest
from jackfield.files.moments import moment
from jackfield.identifiers import new_identifier

NUMBER = re.compile(r"v?(\d{1,9})", re.IGNORECASE)


class Address(msgspec.Struct, frozen=True):
    """A path in a collection; no name stands for the default one."""

    collection: str | None
    path: str


def addressed(text: str, collection: str | None) -> Address:
    """What `PATH` or `COLLECTION:PATH` means; where the collection is given otherwise, a colon is part of the path."""
    name, colon, path = text.partition(":")
    if collection or not colon or "/" in name:
        return Address(collection, text)
    return Address(name or None, path)


def all_addressed(texts: tuple[str, ...], collection: str | None) -> tuple[str | None, list[str]]:
    """Several paths of one collection; raises InvalidRequest where they name several."""
    addresses = [addressed(text, collection) for text in texts]
    names = {address.collection for address in addresses}
    if len(names) > 1:
        listed = " and ".join(sorted(f"'{name}'" if name else "the default one" for name in names))
        raise InvalidRequest(f"These paths are in different collections: {listed}; name those of one at a time.")
    return names.pop() if names else None, [address.path for address in addresses]


def point(text: str) -> Point:
    """A version by its number (3, v3), or as of a time; raises InvalidRequest."""
    if number := NUMBER.fullmatch(text.strip()):
        return Point(number=int(number[1]))
    try:
        return as_of(text)
    except InvalidRequest as error:
        raise InvalidRequest(f"'{text}' is neither a version's number nor a time such as 'yesterday 14:00'.") from error


def as_of(text: str) -> Point:
    """The newest version at a time, as people say it."""
    return Point(at=moment(text, datetime.now(UTC)))


def chosen_point(version: int | None, at: str | None) -> Point:
    """From `--version` and `--at`, of which at most one is given; raises InvalidRequest."""
    if version is not None and at is not None:
        raise InvalidRequest("Say either --version or --at, not both.")
    return as_of(at) if at is not None else Point(number=version)


def new_change() -> str:
    """What all that one command does is undone by."""
    return new_identifier("change")


path_argument = click.argument("path", metavar="PATH")
collection_option = click.option(
    "-c", "--collection", metavar="NAME", help="The collection; the default one otherwise, or the one before a colon."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
reason_option = click.option("--reason", default="", metavar="TEXT", help="Why, kept with the version.")
version_option = click.option("--version", type=click.IntRange(min=1), metavar="N", help="This version.")
at_option = click.option("--at", metavar="TIME", help="The version of a time: 'yesterday 14:00', 2026-11-20, '2h ago'.")
