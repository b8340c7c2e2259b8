"""`jackfield db`: the database's tables, which every command brings up to date by itself, and their backups."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import click
import msgspec

from jackfield.cli.output import print_json, say
from jackfield.cli.session import Session, pass_session
from jackfield.contracts.records import ArchiveContents
from jackfield.logs import configure_logs


class Revisions(msgspec.Struct, frozen=True, kw_only=True):
    """Where a database's tables stand; `current` None means that there are none yet."""

    current: str | None
    newest: str


@click.group("db")
def group() -> None:
    """Look after the database: its tables, and backups of everything in it."""
    configure_logs("warning")


@group.command("upgrade")
@pass_session
def upgrade(session: Session) -> None:
    """Bring the tables up to date; safe to run at any time, and by several at once."""
    from jackfield.wiring import upgrade_state

    applied = upgrade_state(session.settings, session.plugins)
    for name in applied:
        click.echo(name)
    say("Upgraded." if applied else "Up to date already.")


@group.command("current")
@click.option("--json", "as_json", is_flag=True, help="Print the revisions as JSON.")
@pass_session
def current(session: Session, as_json: bool) -> None:
    """Show the revision that the tables are at, and the newest one."""
    from jackfield.wiring import chosen_migrator

    migrator = chosen_migrator(session.settings, session.plugins)
    revisions = Revisions(current=migrator.current(session.settings.state_url), newest=migrator.newest())
    if as_json:
        print_json(revisions)
        return
    click.echo(f"current\t{revisions.current or 'none'}")
    click.echo(f"newest\t{revisions.newest}")
    if revisions.current != revisions.newest:
        say("Bring the tables up to date with: jackfield db upgrade")


@group.command("backup")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--json", "as_json", is_flag=True, help="Print what the backup holds as JSON.")
@pass_session
def backup(session: Session, file: Path, as_json: bool) -> None:
    """Write the database and the uploaded files to FILE, while the server may run. Models are not in it."""
    from jackfield.wiring import chosen_archivist, opened_blobs

    settings, plugins = session.settings, session.plugins
    archivist = chosen_archivist(settings, plugins)
    held = archivist.backup(settings.state_url, opened_blobs(settings, plugins), file.absolute())
    _show(held, as_json=as_json)
    say(f"Backed up to {file}; bring it back with: jackfield db restore {file}")


@group.command("restore")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--replace", is_flag=True, help="Lose what the database holds now.")
@click.option("--force", is_flag=True, help="Restore even while a server or workers use the database.")
@click.option("--json", "as_json", is_flag=True, help="Print what the backup holds as JSON.")
@pass_session
def restore(session: Session, file: Path, replace: bool, force: bool, as_json: bool) -> None:
    """Bring a backup back, to a database of any kind. Stop the server and the workers first."""
    from jackfield.runs.crash_recovery import no_executors
    from jackfield.wiring import chosen_archivist, make_folder, opened_blobs

    settings, plugins = session.settings, session.plugins
    archivist = chosen_archivist(settings, plugins)
    make_folder(settings.home)
    blobs = opened_blobs(settings, plugins)
    in_folder = settings.state_url.startswith("sqlite")
    with no_executors(settings.home) if in_folder and not force else nullcontext():
        held = archivist.restore(file.absolute(), settings.state_url, blobs, replace=replace, force=force)
    _show(held, as_json=as_json)
    say(f"Restored from {file}, as it was at {held.made_at:%Y-%m-%d %H:%M:%S} UTC.")


def _show(held: ArchiveContents, *, as_json: bool) -> None:
    if as_json:
        print_json(held)
    else:
        for table, rows in held.rows.items():
            click.echo(f"{table}\t{rows}")
        click.echo(f"files\t{held.blobs}")
    if held.missing_blobs:
        say(f"The bytes of {len(held.missing_blobs)} uploaded files were gone when the backup was made.")
