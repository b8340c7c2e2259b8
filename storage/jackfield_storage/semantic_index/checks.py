"""Holding the index against the files that it is of: what is counted, and what full text has."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection

from jackfield.contracts.files import Fault
from jackfield_storage.semantic_index.turn import take_turn


class Check(msgspec.Struct, frozen=True):
    """How many of something do not agree with the files (`counts`), a sentence that says so, and what mends it."""

    where: str
    counts: str
    says: str
    mends: tuple[str, ...]


def index_faults(connection: Connection) -> list[Fault]:
    """Where the index does not agree with the files."""
    return [_fault(check, wrong) for check in _checks(connection) if (wrong := _wrong(connection, check))]


def index_mended(connection: Connection) -> list[Fault]:
    """As `index_faults`, and the index put right, which caches are told."""
    take_turn(connection)
    wrong = {check.where: wrong for check in _checks(connection) if (wrong := _wrong(connection, check))}
    if not wrong:
        return []
    for check in _checks(connection):
        # Full text in any case: mending the counts may have told it to forget what it did not have.
        if check.where in wrong or check in _full_text(connection):
            _execute(connection, check.mends)
    _execute(connection, _FEED_BEGINS_ANEW)
    return [
        _fault(check, wrong[check.where], mended=not _wrong(connection, check))
        for check in _checks(connection)
        if check.where in wrong
    ]


def _execute(connection: Connection, statements: Sequence[str]) -> None:
    for statement in statements:
        connection.exec_driver_sql(statement)


def _checks(connection: Connection) -> Sequence[Check]:
    return (_LIVE, _USES, _TEXTS, *_full_text(connection))


def _full_text(connection: Connection) -> Sequence[Check]:
    return _POSTGRES if connection.dialect.name == "postgresql" else _SQLITE


def _wrong(connection: Connection, check: Check) -> int:
    return int(connection.exec_driver_sql(check.counts).scalar() or 0)


def _fault(check: Check, wrong: int, *, mended: bool = False) -> Fault:
    return Fault(kind="index", where=check.where, detail=check.says.format(wrong=f"{wrong:,}"), mended=mended)


_LIVE = Check(
    where="passages",
    counts="""
        SELECT count(*) FROM passages LEFT JOIN (
            SELECT held.passage_id, count(*) AS files FROM files
            JOIN (SELECT DISTINCT content_id, passage_id FROM chunks) AS held ON held.content_id = files.content_id
            WHERE files.deleted_at IS NULL GROUP BY held.passage_id
        ) AS right_ ON right_.passage_id = passages.id WHERE passages.live <> coalesce(right_.files, 0)
    """,
    says="Of {wrong} passages it is counted wrongly how many files hold them.",
    mends=(
        """
        UPDATE passages SET live = right_.files FROM (
            SELECT each_.id, coalesce(held.files, 0) AS files FROM passages AS each_ LEFT JOIN (
                SELECT held.passage_id, count(*) AS files FROM files
                JOIN (SELECT DISTINCT content_id, passage_id FROM chunks) AS held ON held.content_id = files.content_id
                WHERE files.deleted_at IS NULL GROUP BY held.passage_id
            ) AS held ON held.passage_id = each_.id
        ) AS right_ WHERE right_.id = passages.id AND passages.live <> right_.files
        """,
    ),
)
_USES = Check(
    where="collections",
    counts="""
        SELECT count(*) FROM (
            SELECT collection_id, passage_id, sum(said) AS said, sum(counted) AS counted FROM (
                SELECT collection_id, passage_id, uses AS said, 0 AS counted FROM collection_passages
                UNION ALL
                SELECT files.collection_id, held.passage_id, 0, count(*) FROM files
                JOIN (SELECT DISTINCT content_id, passage_id FROM chunks) AS held ON held.content_id = files.content_id
                WHERE files.deleted_at IS NULL GROUP BY files.collection_id, held.passage_id
            ) AS each_ GROUP BY collection_id, passage_id
        ) AS both_ WHERE said <> counted
    """,
    says="Of {wrong} passages it is counted wrongly how many files of a collection hold them.",
    mends=(
        "DELETE FROM collection_passages",
        """
        INSERT INTO collection_passages (collection_id, passage_id, uses)
        SELECT files.collection_id, held.passage_id, count(*) FROM files
        JOIN (SELECT DISTINCT content_id, passage_id FROM chunks) AS held ON held.content_id = files.content_id
        WHERE files.deleted_at IS NULL GROUP BY files.collection_id, held.passage_id
        """,
    ),
)
_TEXTS = Check(
    where="contents",
    counts="""
        SELECT count(*) FROM contents WHERE (state = 'indexed') <> EXISTS (
            SELECT 1 FROM chunks WHERE chunks.content_id = contents.id
        ) AND state <> 'pending'
    """,
    says="{wrong} contents are said to have passages and have none, or the other way round; they are read again.",
    mends=(
        """
        UPDATE contents SET state = 'pending', attempts = 0, leased_until = NULL
        WHERE state = 'indexed' AND NOT EXISTS (
            SELECT 1 FROM chunks WHERE chunks.content_id = contents.id
        )
        """,
        """
        UPDATE contents SET state = 'indexed', error = NULL WHERE state NOT IN ('indexed', 'pending') AND EXISTS (
            SELECT 1 FROM chunks WHERE chunks.content_id = contents.id
        )
        """,
    ),
)
_SQLITE = (
    Check(
        where="full text of passages",
        counts="""
            SELECT (SELECT count(*) FROM passages WHERE live > 0 AND id NOT IN (SELECT id FROM passage_words_docsize))
                + (SELECT count(*) FROM passage_words_docsize WHERE id NOT IN (SELECT id FROM passages WHERE live > 0))
        """,
        says="{wrong} passages are in full text that should not be, or the other way round.",
        mends=(
            "INSERT INTO passage_words (passage_words) VALUES ('delete-all')",
            """
            INSERT INTO passage_words (rowid, words)
            SELECT id, coalesce(spaced, heading || char(10) || text) FROM passages WHERE live > 0
            """,
        ),
    ),
    Check(
        where="full text of paths",
        counts="""
            SELECT (SELECT count(*) FROM files LEFT JOIN file_names ON file_names.file_id = files.id
                    WHERE (files.deleted_at IS NULL) <> (file_names.file_id IS NOT NULL)
                    OR files.path <> file_names.path)
                + (SELECT count(*) FROM file_names WHERE file_id NOT IN (SELECT id FROM files))
                + (SELECT count(*) FROM file_names WHERE number NOT IN (SELECT id FROM file_words_docsize))
                + (SELECT count(*) FROM file_words_docsize WHERE id NOT IN (SELECT number FROM file_names))
        """,
        says="{wrong} paths are in full text that should not be, or the other way round.",
        mends=(
            "DELETE FROM file_names",
            "INSERT INTO file_words (file_words) VALUES ('delete-all')",
            "INSERT INTO file_names (file_id, path) SELECT id, path FROM files WHERE deleted_at IS NULL",
        ),
    ),
)
"""FTS5 keeps a row for each text that it has in its table `_docsize`."""

_POSTGRES = (
    Check(
        where="full text of passages",
        counts="""
            SELECT count(*) FROM passages FULL JOIN passage_words ON passage_words.passage_id = passages.id
            WHERE (coalesce(passages.live, 0) > 0) <> (passage_words.passage_id IS NOT NULL)
        """,
        says="{wrong} passages are in full text that should not be, or the other way round.",
        mends=(
            "DELETE FROM passage_words",
            """
            INSERT INTO passage_words (passage_id, words)
            SELECT id, to_tsvector('english', plain_words(coalesce(spaced, heading || ' ' || text)))
            FROM passages WHERE live > 0
            """,
        ),
    ),
    Check(
        where="full text of paths",
        counts="""
            SELECT count(*) FROM files FULL JOIN file_words ON file_words.file_id = files.id
            WHERE (files.id IS NOT NULL AND files.deleted_at IS NULL) <> (file_words.file_id IS NOT NULL)
            OR file_words.words <> to_tsvector('english', plain_words(files.path))
        """,
        says="{wrong} paths are in full text that should not be, or the other way round.",
        mends=(
            "DELETE FROM file_words",
            """
            INSERT INTO file_words (file_id, words)
            SELECT id, to_tsvector('english', plain_words(path)) FROM files WHERE deleted_at IS NULL
            """,
        ),
    ),
)

_FEED_BEGINS_ANEW = (
    "DELETE FROM index_changes",
    "INSERT INTO index_changes (collection_id, passage_id) VALUES ('', 0)",
    "DELETE FROM index_changes",
    "INSERT INTO index_changes (collection_id, passage_id) VALUES ('', 0)",
)
"""With a number left out, by which caches see that they missed something, and are filled anew."""
