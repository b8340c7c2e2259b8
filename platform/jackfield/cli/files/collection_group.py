"""`jackfield files collections`: which there are, how much room each has, and who may what."""

from __future__ import annotations

import re
import sys
from collections.abc import Awaitable, Callable

import click

from jackfield.cli.files.addresses import json_option
from jackfield.cli.files.holders import Holder, named_holder, shown_grant
from jackfield.cli.files.sentences import cell, when
from jackfield.cli.files.with_library import with_library
from jackfield.cli.output import print_json, print_table, say
from jackfield.cli.session import Session, pass_session
from jackfield.contracts.files import LEVELS, Collection, Grant, Level
from jackfield.errors import InvalidRequest
from jackfield.files.library import Library
from jackfield.quantities import readable_bytes

COLUMNS = ("COLLECTION", "FILES", "USED", "QUOTA", "OWNER", "GRANTS", "MADE")
UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}

name_argument = click.argument("name", metavar="NAME")
who_argument = click.argument("who", metavar="WHO")


@click.group("collections")
def group() -> None:
    """List, add and change collections; say who may do what in them.

    WHO is `everyone`, user:E-MAIL or team:NAME.
    """


@group.command("list")
@json_option
@pass_session
def list_collections(session: Session, as_json: bool) -> None:
    """List the collections; USED counts every version, deleted ones too."""

    async def listed(library: Library) -> tuple[tuple[Collection, ...], str]:
        return await library.collections(), library.default

    collections, default = with_library(session, listed)
    if as_json:
        print_json(collections)
    elif collections or not sys.stdout.isatty():
        print_table(COLUMNS, [_row(collection, default) for collection in collections])
    else:
        say("There are no collections; `jackfield files add` makes the default one.")


@group.command("add")
@name_argument
@click.option("--quota", metavar="SIZE", help="How much it may hold, every version counted: 500MB, 5GB.")
@json_option
@pass_session
def add_collection(session: Session, name: str, quota: str | None, as_json: bool) -> None:
    """Add a collection."""
    room = _size(quota) if quota else None

    async def added(library: Library) -> Collection:
        made = await library.add(name)
        return made if quota is None else await library.set_quota(made.name, room)

    _tell(with_library(session, added), "was added", as_json=as_json)


@group.command("rename")
@name_argument
@click.argument("new_name", metavar="NEW-NAME")
@json_option
@pass_session
def rename_collection(session: Session, name: str, new_name: str, as_json: bool) -> None:
    """Give a collection another name."""
    renamed = with_library(session, lambda library: library.rename(name, new_name))
    _tell(renamed, f"is what '{cell(name)}' is called now", as_json=as_json)


@group.command("rm")
@name_argument
@click.option("--yes", is_flag=True, help="Do not ask first.")
@json_option
@pass_session
def remove_collection(session: Session, name: str, yes: bool, as_json: bool) -> None:
    """Remove a collection that has only deleted files in it, with every version: this cannot be undone."""
    if not yes:
        _confirm(name)
    with_library(session, lambda library: library.remove(name))
    if as_json:
        print_json({"removed": name})
    else:
        say(f"Collection '{cell(name)}' is gone.")


@group.command("quota")
@name_argument
@click.argument("size", metavar="SIZE|none")
@json_option
@pass_session
def set_quota(session: Session, name: str, size: str, as_json: bool) -> None:
    """Say how much a collection may hold, every version counted: 500MB, 5GB, none."""
    room = _size(size)
    collection = with_library(session, lambda library: library.set_quota(name, room))
    said = f"may hold {readable_bytes(room)}" if room is not None else "has no quota"
    over = f"; it holds {readable_bytes(collection.used_bytes)} already" if _is_over(collection) else ""
    _tell(collection, said + over, as_json=as_json)


@group.command("grant")
@name_argument
@who_argument
@click.argument("level", type=click.Choice(LEVELS))
@json_option
@pass_session
def grant_level(session: Session, name: str, who: str, level: Level, as_json: bool) -> None:
    """Let somebody read, write or manage, instead of what they were granted before."""

    def granted(library: Library, holder: Holder) -> Awaitable[Collection]:
        return library.grant(name, Grant(kind=holder.kind, id=holder.id, level=level))

    _tell(_for_holder(session, who, granted), f"may be {_done(level)} by {cell(who)}", as_json=as_json)


@group.command("withdraw")
@name_argument
@who_argument
@json_option
@pass_session
def withdraw_grant(session: Session, name: str, who: str, as_json: bool) -> None:
    """Withdraw what somebody was granted."""

    def withdrawn(library: Library, holder: Holder) -> Awaitable[Collection]:
        return library.withdraw(name, holder.kind, holder.id)

    _tell(_for_holder(session, who, withdrawn), f"has no grant for {cell(who)}", as_json=as_json)


def _for_holder(session: Session, who: str, work: Callable[[Library, Holder], Awaitable[Collection]]) -> Collection:
    holder = named_holder(session, who)
    return with_library(session, lambda library: work(library, holder))


def _size(text: str) -> int | None:
    """500MB, 5 GB, 2GiB, a number of bytes, or none."""
    if text.casefold() == "none":
        return None
    found = re.fullmatch(r"(\d{1,15})(\.\d{1,3})?\s*([kmgt]i?)?(?:b|bytes)?", text.strip().casefold())
    if not found or not float(number := found[1] + (found[2] or "")):
        raise InvalidRequest(f"'{text}' is no size; say one such as 500MB, 5GB or none.")
    return int(float(number) * UNITS[found[3] or ""])


def _confirm(name: str) -> None:
    if not sys.stdin.isatty():
        raise InvalidRequest(f"Nobody can be asked whether to remove collection '{name}': say --yes if you mean it.")
    click.confirm(f"Remove collection '{cell(name)}' for good, with every version in it?", abort=True, err=True)


def _is_over(collection: Collection) -> bool:
    return collection.quota_bytes is not None and collection.used_bytes > collection.quota_bytes


def _done(level: Level) -> str:
    return {"read": "read", "write": "written", "manage": "managed"}[level]


def _tell(collection: Collection, what: str, *, as_json: bool) -> None:
    if as_json:
        print_json(collection)
    else:
        say(f"Collection '{cell(collection.name)}' {what}.")


def _row(collection: Collection, default: str) -> tuple[str, ...]:
    name = cell(collection.name)
    return (
        f"{name} *" if collection.name == default else name,
        str(collection.files),
        readable_bytes(collection.used_bytes),
        "" if collection.quota_bytes is None else readable_bytes(collection.quota_bytes),
        collection.owner_id or "",
        ", ".join(map(shown_grant, collection.grants)),
        when(collection.created_at),
    )
