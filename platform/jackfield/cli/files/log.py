"""`jackfield files log`: a file's versions, or the latest changes of all files."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

import click

from jackfield.cli.files.addresses import addressed, collection_option, json_option
from jackfield.cli.files.sentences import cell, version_row
from jackfield.cli.files.with_library import with_collection
from jackfield.cli.output import print_json, print_table, say
from jackfield.cli.session import Session, pass_session
from jackfield.contracts.files import FileVersion
from jackfield.files.moments import beginning
from jackfield.files.open_collection import OpenCollection

COLUMNS = ("VERSION", "WHEN", "BY", "WHAT", "SIZE", "REASON", "CHANGE")


@click.command("log")
@click.argument("path", default="")
@click.option("--since", metavar="TIME", help="Only from then on: 'yesterday', 2026-11-20, '2h ago'.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="How many at most.")
@collection_option
@json_option
@pass_session
def command(session: Session, path: str, since: str | None, limit: int, collection: str | None, as_json: bool) -> None:
    """List a file's versions, the newest first, also of a deleted one; without PATH the latest changes of all."""
    address = addressed(path, collection)
    start = beginning(since, datetime.now(UTC)) if since else None

    async def found(opened: OpenCollection) -> tuple[FileVersion, ...]:
        if not address.path:
            return await opened.changes(since=start, limit=limit + 1)
        history = reversed(await opened.history(address.path, deleted=True))
        return tuple(version for version in history if start is None or version.written_at >= start)

    versions = with_collection(session, address.collection, "read", found)
    more, versions = len(versions) > limit, versions[:limit]
    if as_json:
        print_json(versions)
    elif address.path and (versions or not sys.stdout.isatty()):
        print_table(COLUMNS, [(*version_row(version), version.change) for version in versions])
    elif versions or not sys.stdout.isatty():
        rows = [(cell(version.path), *version_row(version), version.change) for version in versions]
        print_table(("PATH", *COLUMNS), rows)
    else:
        say("Nothing was changed since then." if since else "Nothing was written yet.")
    if more:
        say(f"There are more; --limit {limit * 10} shows them.")
