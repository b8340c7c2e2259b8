"""What the migrations room offers: a migrator."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jackfield.contracts.registration import Provided
from jackfield.hookspecs import hookimpl

if TYPE_CHECKING:
    from jackfield.contracts.records import Migrator


@hookimpl
def jackfield_migrators() -> list[Provided[Migrator]]:
    """One migrator for every database that the storage room serves."""
    return [Provided("alembic", _migrator, "tables of SQLite and PostgreSQL databases, by Alembic")]


def _migrator() -> Migrator:
    from jackfield_migrations.migrator import AlembicMigrator

    return AlembicMigrator()
