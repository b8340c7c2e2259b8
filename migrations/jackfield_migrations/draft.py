"""`python -m jackfield_migrations.draft "add api keys"`: writes the next revision, to be read and mended by hand."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import click

from jackfield.contracts.records import sqlite_url
from jackfield_migrations import scripts
from jackfield_migrations.connections import connected
from jackfield_migrations.migrator import AlembicMigrator
from jackfield_storage.addresses import blocking_url


@click.command()
@click.argument("message")
def command(message: str) -> None:
    """Draft a revision from what the storage room's tables have and the newest revision has not."""
    with TemporaryDirectory() as folder:
        url = sqlite_url(Path(folder))
        AlembicMigrator().upgrade(url)
        with connected(blocking_url(url)) as connection:
            path = scripts.draft(connection, message)
    click.echo(f"Wrote {path}; read it, then set REVISION in jackfield_storage/tables.py to its number.")


if __name__ == "__main__":
    command()
