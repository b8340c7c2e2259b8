"""Holding files, versions, bytes, counts and index against each other, and mending what can be mended."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from jackfield.contracts.files import Fault, FileStoreParts, VerifyReport
from jackfield_storage.engine import Database
from jackfield_storage.semantic_files.blob_checks import BlobChecks
from jackfield_storage.semantic_files.row_checks import count_faults, counts_mended, version_faults
from jackfield_storage.semantic_index.checks import index_faults, index_mended
from jackfield_storage.tables import FileRow, FileVersionRow, PassageRow


async def verified(database: Database, parts: FileStoreParts, *, deep: bool, repair: bool) -> VerifyReport:
    """What one look at everything finds, while others go on working."""
    blobs = BlobChecks(database, parts, deep=deep, repair=repair)
    faults = [
        *await database.look(version_faults),
        *await _counts(database, repair=repair),
        *await _index(database, repair=repair),
        *await blobs.faults(),
    ]
    files, versions, passages = await database.look(_sizes)
    return VerifyReport(files=files, versions=versions, blobs=blobs.count, passages=passages, faults=tuple(faults))


async def _counts(database: Database, *, repair: bool) -> list[Fault]:
    return await (database.commit(counts_mended) if repair else database.look(count_faults))


async def _index(database: Database, *, repair: bool) -> list[Fault]:
    return await (database.commit(index_mended) if repair else database.look(index_faults))


def _sizes(connection: Connection) -> list[int]:
    return [
        connection.scalar(select(func.count()).select_from(rows)) or 0 for rows in (FileRow, FileVersionRow, PassageRow)
    ]
