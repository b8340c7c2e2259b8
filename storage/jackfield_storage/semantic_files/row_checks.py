"""Whether files agree with their versions, and collections' counts with both."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, and_, case, func, or_, select, update

from jackfield.contracts.files import Fault
from jackfield_storage.semantic_files.versions import COUNTED
from jackfield_storage.semantic_index.turn import take_turn
from jackfield_storage.tables import CollectionRow, FileRow, FileVersionRow

_PER_FILE = (
    select(
        FileVersionRow.file_id,
        func.count().label("versions"),
        func.min(FileVersionRow.number).label("first"),
        func.max(FileVersionRow.number).label("last"),
    )
    .group_by(FileVersionRow.file_id)
    .subquery()
)
_GAPS = (
    select(CollectionRow.name, FileRow.path, FileRow.version, _PER_FILE)
    .select_from(FileRow)
    .join(CollectionRow, CollectionRow.id == FileRow.collection_id)
    .outerjoin(_PER_FILE, _PER_FILE.c.file_id == FileRow.id)
    .where(
        or_(
            _PER_FILE.c.versions.is_(None),
            _PER_FILE.c.first != 1,
            _PER_FILE.c.last != _PER_FILE.c.versions,
            _PER_FILE.c.last != FileRow.version,
        )
    )
)
_USED = (
    select(
        FileVersionRow.collection_id,
        func.sum(case((FileVersionRow.action.in_(COUNTED), FileVersionRow.size), else_=0)).label("bytes"),
    )
    .group_by(FileVersionRow.collection_id)
    .subquery()
)
_THERE = (
    select(FileRow.collection_id, func.count().label("files"))
    .where(FileRow.deleted_at.is_(None))
    .group_by(FileRow.collection_id)
    .subquery()
)
_COUNTS = (
    select(
        CollectionRow.id,
        CollectionRow.name,
        CollectionRow.used_bytes,
        CollectionRow.files,
        func.coalesce(_USED.c.bytes, 0).label("used"),
        func.coalesce(_THERE.c.files, 0).label("there"),
    )
    .outerjoin(_USED, _USED.c.collection_id == CollectionRow.id)
    .outerjoin(_THERE, _THERE.c.collection_id == CollectionRow.id)
    .order_by(CollectionRow.name)
)
"""One statement, which sees one state also while others write."""
_SAME = ("path", "digest", "size", "content_id", "collection_id")
_HEADS = (
    select(CollectionRow.name, FileRow.path, FileRow.version)
    .select_from(FileRow)
    .join(CollectionRow, CollectionRow.id == FileRow.collection_id)
    .join(FileVersionRow, and_(FileVersionRow.file_id == FileRow.id, FileVersionRow.number == FileRow.version))
    .where(
        or_(
            *(getattr(FileRow, name).is_distinct_from(getattr(FileVersionRow, name)) for name in _SAME),
            (FileVersionRow.action == "deleted") != FileRow.deleted_at.is_not(None),
        )
    )
)


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """What a collection's row says, and what it is."""

    id: str
    name: str
    said: tuple[int, int]
    are: tuple[int, int]


def version_faults(connection: Connection) -> list[Fault]:
    """Files whose versions have gaps, and those that are not as their newest version says."""
    faults = [_gap(row) for row in connection.execute(_GAPS)]
    for row in connection.execute(_HEADS):
        detail = f"The file is not what its newest version, {row.version}, says."
        faults.append(Fault(kind="version", where=f"{row.name}:{row.path}", detail=detail))
    return faults


def count_faults(connection: Connection) -> list[Fault]:
    """Collections that count wrongly what they have."""
    return [_miscount(each) for each in _wrong_counts(connection)]


def counts_mended(connection: Connection) -> list[Fault]:
    """As `count_faults`, and the counts put right."""
    take_turn(connection)
    connection.execute(select(CollectionRow.id).order_by(CollectionRow.id).with_for_update(key_share=True))
    wrong = _wrong_counts(connection)
    for each in wrong:
        used, files = each.are
        this = update(CollectionRow).where(CollectionRow.id == each.id)
        connection.execute(this.values(used_bytes=used, files=files))
    return [_miscount(each, mended=True) for each in wrong]


def _wrong_counts(connection: Connection) -> list[Counts]:
    counts = (
        Counts(id=row.id, name=row.name, said=(row.used_bytes, row.files), are=(int(row.used), int(row.there)))
        for row in connection.execute(_COUNTS)
    )
    return [each for each in counts if each.said != each.are]


def _gap(row: Any) -> Fault:
    has = f"{row.versions:,} from {row.first} to {row.last}" if row.versions else "none"
    return Fault(
        kind="version",
        where=f"{row.name}:{row.path}",
        detail=f"The file is at version {row.version}, and of its versions there are {has}.",
    )


def _miscount(counts: Counts, *, mended: bool = False) -> Fault:
    (said_bytes, said_files), (bytes_, files) = counts.said, counts.are
    return Fault(
        kind="quota",
        where=counts.name,
        detail=f"It counts {said_files:,} files and {said_bytes:,} bytes, and has {files:,} and {bytes_:,}.",
        mended=mended,
    )
