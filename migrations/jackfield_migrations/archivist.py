"""Backs a whole database up in one file, and brings it back in one transaction, to any kind of database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import IO

import structlog
from sqlalchemy import Connection, func, select

from jackfield.contracts.records import ArchiveContents
from jackfield.contracts.uploads import BlobStore
from jackfield.errors import Conflict, InvalidRequest, NotFound, StateUnavailable
from jackfield.version import __version__
from jackfield_migrations import scripts
from jackfield_migrations.archive_file import (
    FORMAT,
    ArchiveReader,
    ArchiveWriter,
    Manifest,
    Member,
    new_archive,
    whole_archive,
)
from jackfield_migrations.connections import alone, recorded_revision, snapshot
from jackfield_migrations.migrator import make_database_folder, missing_revisions
from jackfield_migrations.revisions import names_after, newest_revision
from jackfield_migrations.table_rows import count_on, insert_rows, own_tables, rows_of
from jackfield_storage.addresses import blocking_url, database_file, is_served, place
from jackfield_storage.blob_uses import COLUMNS
from jackfield_storage.failures import translated

log = structlog.get_logger(__name__)

PIECE = 1 << 20


class TarArchivist:
    """Implements `jackfield.contracts.records.Archivist`."""

    def claims(self, url: str) -> bool:
        return is_served(url)

    def backup(self, url: str, blobs: BlobStore, archive: Path) -> ArchiveContents:
        address = blocking_url(url)
        path = database_file(address)
        if path is not None and not path.exists():
            raise StateUnavailable(f"There is no database {path}; there is nothing to back up.")
        with new_archive(archive) as writer, translated(place(address)), snapshot(address) as connection:
            manifest = _written(connection, writer, blobs, place(address))
        log.info("backed up", database=place(address), archive=str(archive))
        return _contents(manifest)

    def restore(
        self, archive: Path, url: str, blobs: BlobStore, *, replace: bool = False, force: bool = False
    ) -> ArchiveContents:
        address = blocking_url(url)
        with whole_archive(archive) as reader, translated(place(address)):
            if names_after(reader.manifest.revision) is None:
                raise InvalidRequest(
                    f"{archive} holds tables of revision '{reader.manifest.revision}', which this Jackfield does not "
                    f"know (its newest is '{newest_revision()}'): a newer Jackfield wrote it. Upgrade Jackfield first."
                )
            make_database_folder(address)
            with alone(address) as connection:
                missing_revisions(address, recorded_revision(connection))
                _check_empty(connection, place(address), replace=replace)
                if not force:
                    _check_idle(connection, place(address))
                _bring_back(connection, reader)
                _put_blobs(reader, blobs)
        log.info("restored", database=place(address), archive=str(archive))
        return _contents(reader.manifest)


def _written(connection: Connection, writer: ArchiveWriter, blobs: BlobStore, database: str) -> Manifest:
    revision = recorded_revision(connection)
    if revision is None:
        raise StateUnavailable(f"{database} has no tables yet; there is nothing to back up.")
    tables = own_tables(connection)
    members = tuple(writer.table(str(table.name), rows_of(connection, table)) for table in tables)
    kept, missing = _written_blobs(writer, blobs, _digests(connection))
    manifest = Manifest(
        format=FORMAT,
        revision=revision,
        made_at=datetime.now(UTC),
        version=__version__,
        tables=members,
        blobs=kept,
        missing_blobs=missing,
    )
    writer.manifest(manifest)
    return manifest


def _digests(connection: Connection) -> list[str]:
    """The blobs that rows refer to, of those tables that this revision has."""
    tables = {table.name: table for table in own_tables(connection)}
    found: set[str] = set()
    for holder in COLUMNS:
        if holder.class_.__tablename__ in tables:
            column = tables[holder.class_.__tablename__].c[holder.key]
            found.update(connection.scalars(select(column).where(column.is_not(None)).distinct()))
    return sorted(found)


def _written_blobs(
    writer: ArchiveWriter, blobs: BlobStore, digests: list[str]
) -> tuple[tuple[Member, ...], tuple[str, ...]]:
    """The blobs that were added, and those that are gone."""
    kept: list[Member] = []
    missing: list[str] = []
    for digest in digests:
        try:
            kept.append(writer.blob(digest, partial(_copy, blobs, digest)))
        except NotFound:
            log.warning("a file's bytes are missing and not in the backup", digest=digest)
            missing.append(digest)
    return tuple(kept), tuple(missing)


def _copy(blobs: BlobStore, digest: str, file: IO[bytes]) -> None:
    async def copy() -> None:
        async for piece in blobs.read(digest):
            file.write(piece)

    asyncio.run(copy())


def _check_empty(connection: Connection, database: str, *, replace: bool) -> None:
    filled = [
        table.name for table in own_tables(connection) if connection.scalar(select(1).select_from(table).limit(1))
    ]
    if filled and not replace:
        raise Conflict(
            f"{database} is not empty (it has {', '.join(filled)}); "
            "restore to an empty database, or say --replace to lose what this one holds."
        )


def _check_idle(connection: Connection, database: str) -> None:
    """Raises Conflict where a worker holds a run: it would write to tables that are no longer what it knows."""
    runs = next((table for table in own_tables(connection) if table.name == "runs"), None)
    if runs is None or "leased_until" not in runs.columns:
        return
    now = datetime.now(UTC)
    moment = now.replace(tzinfo=None) if connection.dialect.name == "sqlite" else now
    held = select(func.count()).where(runs.c.state == "running", runs.c.leased_until > moment)
    if count := connection.scalar(held):
        raise Conflict(
            f"{database} has runs that workers execute now ({count}); stop the server and the workers, wait until "
            "their leases are over (`jobs.lease` seconds), and restore then, or say --force to restore all the same."
        )


def _bring_back(connection: Connection, reader: ArchiveReader) -> None:
    """Make the tables anew at the archive's revision, fill them, and bring them up to date."""
    if recorded_revision(connection) is not None:
        scripts.downgrade(connection, "base")
    scripts.upgrade(connection, reader.manifest.revision)
    rows = {member.name: member.rows for member in reader.manifest.tables}
    for table in own_tables(connection):
        if table.name in rows and insert_rows(connection, table, reader.rows(table.name)) != rows.pop(table.name):
            raise InvalidRequest(f"The backup's table '{table.name}' has not the rows that its manifest says.")
        count_on(connection, table)
    if rows:
        raise InvalidRequest(f"The backup has tables that its revision has not: {', '.join(rows)}.")
    scripts.upgrade(connection)


def _put_blobs(reader: ArchiveReader, blobs: BlobStore) -> None:
    for member in reader.manifest.blobs:
        digest, _ = asyncio.run(_put(reader, blobs, member.name))
        if digest != member.name:
            raise InvalidRequest(f"The bytes of '{member.name}' in the backup have digest '{digest}'; it is damaged.")


async def _put(reader: ArchiveReader, blobs: BlobStore, digest: str) -> tuple[str, int]:
    with reader.blob(digest) as file:

        async def pieces() -> AsyncGenerator[bytes]:
            while piece := file.read(PIECE):
                yield piece

        return await blobs.put(pieces(), most=2**63)


def _contents(manifest: Manifest) -> ArchiveContents:
    return ArchiveContents(
        revision=manifest.revision,
        made_at=manifest.made_at,
        rows={member.name: member.rows for member in manifest.tables},
        blobs=len(manifest.blobs),
        missing_blobs=manifest.missing_blobs,
    )
