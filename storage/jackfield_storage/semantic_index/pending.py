"""Contents that wait to be read, and which process reads them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, or_, select, text, update

from jackfield_storage.semantic_files.heads import collection_named
from jackfield_storage.semantic_index.contents import entered
from jackfield_storage.semantic_index.leases import LEASE
from jackfield_storage.semantic_index.liveness import moved
from jackfield_storage.semantic_index.prepared import Prepared
from jackfield_storage.semantic_index.turn import take_turn
from jackfield_storage.tables import ContentRow, FileRow

AT_ONCE = 32
BYTES_AT_ONCE = 4 << 20
"""What a process takes at a time; a content that is larger it takes alone."""
MOST_ATTEMPTS = 3
"""After the first of which a content is taken alone, so that one that kills its process spoils no other."""

GAVE_UP = (
    f"Reading it was begun {MOST_ATTEMPTS} times and never came to an end: the process died, perhaps of too little "
    "memory. Try again once there is more."
)


class Claimed(Prepared, frozen=True, kw_only=True):
    """A content that this process is to read."""

    id: int


def claimed(connection: Connection) -> list[Claimed]:
    """Contents that nobody else reads for now, oldest first; those that were tried too often are taken for failed."""
    now = datetime.now(UTC)
    free = or_(ContentRow.leased_until.is_(None), ContentRow.leased_until < now)
    waiting = select(ContentRow.id, ContentRow.size, ContentRow.attempts).where(ContentRow.state == "pending", free)
    rows = connection.execute(waiting.order_by(ContentRow.id).limit(AT_ONCE).with_for_update(skip_locked=True)).all()
    spent = [row.id for row in rows if row.attempts >= MOST_ATTEMPTS]
    if spent:
        failing = update(ContentRow).where(ContentRow.id.in_(spent))
        connection.execute(failing.values(state="failed", error=GAVE_UP, leased_until=None))
    taken = _as_many_as_fit([row for row in rows if row.attempts < MOST_ATTEMPTS])
    taking = (
        update(ContentRow)
        .where(ContentRow.id.in_(taken))
        .values(leased_until=now + LEASE, attempts=ContentRow.attempts + 1)
        .returning(ContentRow.id, ContentRow.digest, ContentRow.extractor, ContentRow.size, ContentRow.filename)
    )
    found = [Claimed(**row._mapping) for row in connection.execute(taking)] if taken else []  # noqa: SLF001 - public
    return sorted(found, key=lambda content: content.id)


def kept(connection: Connection, content_ids: Sequence[int]) -> None:
    """Go on holding contents that this process has still to read."""
    these = update(ContentRow).where(ContentRow.id.in_(content_ids), ContentRow.state == "pending")
    connection.execute(these.values(leased_until=datetime.now(UTC) + LEASE))


def given_back(connection: Connection, content_ids: Sequence[int]) -> None:
    """Let others read contents that this process has not come to; that was no attempt."""
    these = update(ContentRow).where(ContentRow.id.in_(content_ids), ContentRow.state == "pending")
    connection.execute(these.values(leased_until=None, attempts=ContentRow.attempts - 1))


def settled(connection: Connection, claimed: Claimed, read: Prepared) -> None:
    """Write down what was read. Where another extractor reads it than before, its files go over to the new reading."""
    if read.state == "pending":
        return  # it could not be read now, and keeps what an earlier reading found
    take_turn(connection)
    if connection.scalar(select(ContentRow.id).where(ContentRow.id == claimed.id)) is None:
        return  # its files were purged meanwhile
    content_id = entered(connection, read)
    if content_id == claimed.id:
        return
    for holder in connection.execute(_HOLDERS, {"content": claimed.id}).all():
        moved(connection, holder.collection_id, claimed.id, content_id)
    for moving in (_MOVE_FILES, _MOVE_VERSIONS):
        connection.execute(moving, {"before": claimed.id, "after": content_id})
    held = list(connection.scalars(_HELD, {"content": claimed.id}))
    connection.execute(_FORGET, {"content": claimed.id})
    if held:
        connection.execute(_FORGET_PASSAGE, [{"passage": passage} for passage in held])


def outdated(connection: Connection, extractors: Sequence[str]) -> None:
    """Let what an extractor's earlier version read wait to be read again; `extractors` are those that there are."""
    known = {name: extractor for extractor in extractors for name in [extractor.rpartition(":")[0]]}
    used = connection.scalars(text("SELECT DISTINCT extractor FROM contents WHERE state <> 'pending'"))
    old = [one for one in used if known.get(one.rpartition(":")[0], one) != one]
    if old:
        these = update(ContentRow).where(ContentRow.extractor.in_(old), ContentRow.state != "pending")
        connection.execute(these.values(state="pending", attempts=0, leased_until=None))


def retried(connection: Connection, collection: str) -> int:
    """Let what failed or was skipped in a collection wait again; how many contents. Raises CollectionNotFound."""
    collection_id = collection_named(connection, collection).id
    held = select(FileRow.content_id).where(FileRow.collection_id == collection_id, FileRow.deleted_at.is_(None))
    these = update(ContentRow).where(ContentRow.id.in_(held), ContentRow.state.in_(["failed", "skipped"]))
    waiting = these.values(state="pending", error=None, attempts=0, leased_until=None)
    return len(connection.execute(waiting.returning(ContentRow.id)).all())


def is_waiting(connection: Connection) -> bool:
    """Whether contents wait, or are read by others."""
    return connection.scalar(text("SELECT 1 FROM contents WHERE state = 'pending' LIMIT 1")) is not None


_HOLDERS = text("SELECT collection_id FROM files WHERE content_id = :content AND deleted_at IS NULL")
_MOVE_FILES = text("UPDATE files SET content_id = :after WHERE content_id = :before")
_MOVE_VERSIONS = text("UPDATE file_versions SET content_id = :after WHERE content_id = :before")
_HELD = text("SELECT DISTINCT passage_id FROM chunks WHERE content_id = :content")
_FORGET_PASSAGE = text("""
    DELETE FROM passages WHERE id = :passage AND NOT EXISTS (SELECT 1 FROM chunks WHERE passage_id = :passage)
""")
_FORGET = text("DELETE FROM contents WHERE id = :content")


def _as_many_as_fit(rows: Sequence[Any]) -> list[int]:
    taken: list[int] = []
    room = BYTES_AT_ONCE
    for row in rows:
        room -= row.size
        if taken and (room < 0 or row.attempts):
            break
        taken.append(row.id)
        if row.attempts:
            break
    return taken
