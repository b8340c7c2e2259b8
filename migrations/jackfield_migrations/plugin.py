"""What the migrations room offers: a migrator, and an archivist."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jackfield.contracts.registration import Provided
from jackfield.hookspecs import hookimpl

if TYPE_CHECKING:
    from jackfield.contracts.records import Archivist, Migrator


@hookimpl
def jackfield_migrators() -> list[Provided[Migrator]]:
    """One migrator for every database that the storage room serves."""
    return [Provided("alembic", _migrator, "tables of SQLite and PostgreSQL databases, by Alembic")]


@hookimpl
def jackfield_archivists() -> list[Provided[Archivist]]:
    """One archivist, from any of these databases to any other."""
    return [Provided("tar", _archivist, "backups of whole databases and uploaded files, in one tar file")]


def _archivist() -> Archivist:
    from jackfield_migrations.archivist import TarArchivist

    return TarArchivist()


def _migrator() -> Migrator:
    from jackfield_migrations.migrator import AlembicMigrator

    return AlembicMigrator()
