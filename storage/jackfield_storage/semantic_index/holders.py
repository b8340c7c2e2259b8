"""Which files hold passages now, and where in them."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection, String, bindparam, text

from jackfield_storage.semantic_index.listed import listed

FILES_OF_A_PASSAGE = 3
"""Files that are found by one passage that they all hold, such as a licence."""

BEHIND_SLASH = "0"
"""The sign after `/`: what is below a folder is before the folder with this behind it."""


class Holder(msgspec.Struct, frozen=True):
    """A file that holds a passage, with the passage."""

    passage_id: int
    heading: str
    text: str
    start: int
    end: int
    file_id: str
    collection_id: str
    path: str
    version: int


class Within(msgspec.Struct, frozen=True):
    """Where files must be to be found: in which collections, and below which folder or at which path; empty for all."""

    collection_ids: tuple[str, ...]
    under: str

    @property
    def bounds(self) -> dict[str, str]:
        """Of paths, as parameters."""
        return {"under": self.under, "first": f"{self.under}/", "last": f"{self.under}{BEHIND_SLASH}"}

    def holds(self, found: Holder) -> bool:
        """Whether a file is there."""
        below = not self.under or found.path == self.under or found.path.startswith(f"{self.under}/")
        return below and found.collection_id in self.collection_ids

    @property
    def parameters(self) -> dict[str, object]:
        """For the statements here."""
        return {"collections": list(self.collection_ids), **self.bounds}


def passages_within(connection: Connection, within: Within) -> list[int]:
    """Every passage that a file within holds, for searches below a folder."""
    return list(connection.scalars(_WITHIN, within.parameters))


def holders(connection: Connection, passages: Sequence[int], within: Within) -> dict[int, list[Holder]]:
    """By passage, up to FILES_OF_A_PASSAGE files within that hold it, and the first place where they do."""
    found: dict[int, dict[str, Holder]] = {}
    if not passages:
        return {}
    for one in _places(connection, passages, within):
        files = found.setdefault(one.passage_id, {})
        known = files.get(one.file_id)
        if (known is None and len(files) < FILES_OF_A_PASSAGE) or (known is not None and one.start < known.start):
            files[one.file_id] = one
    return {passage: list(files.values()) for passage, files in found.items()}


def _places(connection: Connection, passages: Sequence[int], within: Within) -> list[Holder]:
    bounds = within.bounds
    statement = _PLACES_POSTGRES if connection.dialect.name == "postgresql" else _PLACES_SQLITE
    given = (
        listed(connection, within.collection_ids),
        bounds["under"],
        bounds["under"],
        bounds["first"],
        bounds["last"],
        MOST_PLACES,
        listed(connection, passages),
    )
    return [Holder(*row) for row in connection.exec_driver_sql(statement, given)]


def beginnings(connection: Connection, file_ids: Sequence[str], within: Within) -> dict[str, Holder]:
    """By file, its first passage; one without a text begins with nothing, and is passage 0."""
    if not file_ids:
        return {}
    found = [Holder(*row) for row in connection.execute(_BEGINNINGS, {"files": list(file_ids)})]
    return {one.file_id: one for one in found if within.holds(one)}


MOST_PLACES = 12
"""Places of one passage that are looked at; a file may hold it more than once."""

_WITHIN = text("""
    SELECT DISTINCT chunks.passage_id FROM files CROSS JOIN chunks
    WHERE files.collection_id IN :collections AND files.path >= :under AND files.path < :last
    AND (files.path = :under OR files.path > :first) AND files.deleted_at IS NULL
    AND chunks.content_id = files.content_id ORDER BY chunks.passage_id
""").bindparams(bindparam("collections", expanding=True, type_=String()))

_PLACES_SQLITE = """
    SELECT passages.id, passages.heading, passages.text, chunks.start, chunks."end",
        files.id, files.collection_id, files.path, files.version
    FROM passages CROSS JOIN files ON files.id IN (
        SELECT held.id FROM chunks AS place CROSS JOIN files AS held ON held.content_id = place.content_id
        WHERE place.passage_id = passages.id AND held.deleted_at IS NULL
        AND +held.collection_id IN (SELECT value FROM json_each(?))
        AND (? = '' OR held.path = ? OR (held.path > ? AND held.path < ?))
        LIMIT ?
    ) CROSS JOIN chunks ON chunks.passage_id = passages.id AND chunks.content_id = files.content_id
    WHERE passages.id IN (SELECT value FROM json_each(?))
"""
"""CROSS JOIN keeps SQLite from joining in another order, and + from the index of a whole collection."""

_PLACES_POSTGRES = """
    SELECT passages.id, passages.heading, passages.text, place.start, place."end",
        place.file_id, place.collection_id, place.path, place.version
    FROM passages CROSS JOIN LATERAL (
        SELECT chunks.start, chunks."end", files.id AS file_id, files.collection_id, files.path, files.version
        FROM chunks JOIN files ON files.content_id = chunks.content_id
        WHERE chunks.passage_id = passages.id AND files.deleted_at IS NULL AND files.collection_id = ANY(%s::text[])
        AND (%s::text = '' OR files.path = %s::text OR (files.path > %s::text AND files.path < %s::text))
        LIMIT %s
    ) AS place
    WHERE passages.id = ANY(%s::bigint[])
"""

_BEGINNINGS = text("""
    SELECT coalesce(passages.id, 0) AS passage_id, coalesce(passages.heading, '') AS heading,
        coalesce(passages.text, '') AS text, coalesce(chunks.start, 0) AS start, coalesce(chunks."end", 0) AS "end",
        files.id AS file_id, files.collection_id, files.path, files.version
    FROM files LEFT JOIN chunks ON chunks.content_id = files.content_id AND chunks.number = 0
    LEFT JOIN passages ON passages.id = chunks.passage_id
    WHERE files.id IN :files AND files.deleted_at IS NULL
""").bindparams(bindparam("files", expanding=True, type_=String()))
