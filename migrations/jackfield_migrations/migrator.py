"""Brings a database up to date: quick when it is, and in one locked transaction when it is not."""

from __future__ import annotations

import errno
from pathlib import Path

import structlog
from sqlalchemy import URL

from jackfield.errors import DiskFull, StateUnavailable
from jackfield_migrations.connections import alone, connected, recorded_revision
from jackfield_migrations.revisions import names_after, newest_revision
from jackfield_storage.addresses import blocking_url, database_file, is_served, place
from jackfield_storage.failures import translated

log = structlog.get_logger(__name__)


class AlembicMigrator:
    """Implements `jackfield.contracts.records.Migrator`. Imports Alembic only when there is something to apply."""

    def claims(self, url: str) -> bool:
        return is_served(url)

    def upgrade(self, url: str) -> tuple[str, ...]:
        address = blocking_url(url)
        with translated(place(address)):
            if not missing_revisions(address, _current(address)):
                return ()
            make_database_folder(address)
            return _upgraded(address)

    def current(self, url: str) -> str | None:
        address = blocking_url(url)
        with translated(place(address)):
            return _current(address)

    def newest(self) -> str:
        return newest_revision()


def _current(url: URL) -> str | None:
    path = database_file(url)
    # Asked first, for SQLite would make an empty database where there is none.
    if path is not None and not path.exists():
        return None
    with connected(url) as connection:
        return recorded_revision(connection)


def _upgraded(url: URL) -> tuple[str, ...]:
    with alone(url) as connection:
        # Asked again inside the lock: another process may have been quicker.
        missing = missing_revisions(url, recorded_revision(connection))
        if missing:
            from jackfield_migrations import scripts

            scripts.upgrade(connection)
    if missing:
        log.info("database upgraded", database=place(url), applied=missing)
    return missing


def missing_revisions(url: URL, revision: str | None) -> tuple[str, ...]:
    """The names of what a database at a revision lacks; raises StateUnavailable where it is ahead of this code."""
    names = names_after(revision)
    if names is None:
        raise StateUnavailable(
            f"{place(url)} is at revision '{revision}', which this Jackfield does not know (its newest is "
            f"'{newest_revision()}'): a newer Jackfield has upgraded it. Upgrade Jackfield to use it."
        )
    return names


def make_database_folder(url: URL) -> None:
    """Make the folder of a database that is a file; raises StateUnavailable or DiskFull."""
    path = database_file(url)
    if path is None:
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _folder_error(path.parent, error) from error


def _folder_error(folder: Path, error: OSError) -> StateUnavailable:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFull(f"The disk that is to hold {folder} is full; free some space and try again.")
    return StateUnavailable(
        f"The data folder {folder} cannot be made ({error.strerror}); "
        "set JACKFIELD_HOME to a folder that this user can write to."
    )
