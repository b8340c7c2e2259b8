"""`jackfield db`: the database's tables, which every command brings up to date by itself."""

from __future__ import annotations

import click
import msgspec

from jackfield.cli.output import print_json, say
from jackfield.cli.session import Session, pass_session
from jackfield.logs import configure_logs


class Revisions(msgspec.Struct, frozen=True, kw_only=True):
    """Where a database's tables stand; `current` None means that there are none yet."""

    current: str | None
    newest: str


@click.group("db")
def group() -> None:
    """Look after the database's tables."""
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
