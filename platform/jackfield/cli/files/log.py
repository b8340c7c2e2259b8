"""`jackfield files log`: a file's versions, or the latest changes of all files."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

import click

from jackfield.cli.files.addresses import addressed, collection_option, json_option
from jackfield.cli.files.sentences import cell, version_row, when
from jackfield.cli.files.with_library import with_collection
from jackfield.cli.output import print_json, print_table, say
from jackfield.cli.session import Session, pass_session
from jackfield.contracts.files import FileVersion
from jackfield.files.moments import beginning
from jackfield.files.open_collection import OpenCollection

COLUMNS = ("PATH", "VERSION", "WHEN", "BY", "WHAT", "SIZE", "REASON", "CHANGE")


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
    elif not sys.stdout.isatty():
        print_table(COLUMNS, [(cell(version.path), *version_row(version), version.change) for version in versions])
    elif not versions:
        say("Nothing was changed since then." if since else "Nothing was written yet.")
    elif address.path:
        print_table(COLUMNS[1:-1], map(version_row, versions))
    else:
        _show_by_change(versions)
    if more:
        say(f"There are more; --limit {limit * 10} shows them.")


def _show_by_change(versions: Sequence[FileVersion]) -> None:
    """Versions under what they were part of, which is what can be undone."""
    for change, group in itertools.groupby(versions, key=lambda version: version.change):
        part = list(group)
        said = " · ".join(filter(None, (when(part[0].written_at), cell(part[0].author.name), cell(part[0].reason))))
        click.echo(f"{said}  {click.style(change, dim=True)}")
        for version in part:
            number, _, _, done, size, _ = version_row(version)
            click.echo(f"    {cell(version.path)}: version {number}, {done}, {size}")
