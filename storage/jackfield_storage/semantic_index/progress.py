"""How far indexing is, counted by indexes alone: texts and vectors take a hundred times as long to walk through."""

from __future__ import annotations

from sqlalchemy import Connection, text

from jackfield.contracts.files import IndexProgress
from jackfield_storage.semantic_files.heads import collection_named

NO_MODEL = "No embedding model is installed, so files are found by words only."

_CONTENTS = text("""
    SELECT count(DISTINCT content_id) FROM files
    WHERE deleted_at IS NULL AND (:collection = '' OR collection_id = :collection)
""")
_UNREAD = text("""
    SELECT state, count(*) AS number FROM contents WHERE state IN ('pending', 'failed') AND EXISTS (
        SELECT 1 FROM files WHERE files.content_id = contents.id AND files.deleted_at IS NULL
        AND (:collection = '' OR files.collection_id = :collection)
    ) GROUP BY state
""")
_IN_USE = text("SELECT (SELECT count(*) FROM passages) - (SELECT count(*) FROM passages WHERE live = 0)")
_WITH_VECTOR = text("""
    SELECT (SELECT count(*) FROM passage_vectors WHERE model = :model) - (
        SELECT count(*) FROM passages CROSS JOIN passage_vectors WHERE live = 0 AND passage_id = id AND model = :model
    )
""")
"""CROSS JOIN keeps SQLite from going through the vectors, of which there are many."""
_OF_COLLECTION = text("SELECT count(*) FROM collection_passages WHERE collection_id = :collection")
_OF_COLLECTION_WITH_VECTOR = text("""
    SELECT count(*) FROM collection_passages AS held
    JOIN passage_vectors ON passage_vectors.passage_id = held.passage_id AND model = :model
    WHERE collection_id = :collection
""")


def progress_of(connection: Connection, model: str | None, collection: str | None = None) -> IndexProgress:
    """Of one collection, by name, or of all; without a model no vectors are wanted. Raises CollectionNotFound."""
    collection_id = "" if collection is None else collection_named(connection, collection).id
    contents = int(connection.scalar(_CONTENTS, {"collection": collection_id}) or 0)
    unread = {row.state: row.number for row in connection.execute(_UNREAD, {"collection": collection_id})}
    passages = _passages(connection, collection_id)
    return IndexProgress(
        contents=contents,
        contents_done=contents - sum(unread.values()),
        passages=passages,
        passages_done=passages if model is None else _passages_done(connection, collection_id, passages, model),
        failed=unread.get("failed", 0),
        notice=NO_MODEL if model is None else "",
    )


def vectors_missing(connection: Connection, model: str) -> bool:
    """Whether any passage that is in use has no vector of a model."""
    return bool(connection.scalar(_WITH_VECTOR, {"model": model}) != connection.scalar(_IN_USE))


def _passages(connection: Connection, collection_id: str) -> int:
    counting = _OF_COLLECTION if collection_id else _IN_USE
    return int(connection.scalar(counting, {"collection": collection_id} if collection_id else {}) or 0)


def _passages_done(connection: Connection, collection_id: str, passages: int, model: str) -> int:
    if not collection_id:
        return int(connection.scalar(_WITH_VECTOR, {"model": model}) or 0)
    if not vectors_missing(connection, model):
        return passages
    given = {"collection": collection_id, "model": model}
    return int(connection.scalar(_OF_COLLECTION_WITH_VECTOR, given) or 0)
